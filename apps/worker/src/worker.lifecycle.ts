import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
} from '@nestjs/common';
import type { Reporter } from '@quipu/reporter';
import type { FileStore } from './artifacts/file-store.js';
import type { ArtifactReports } from './jobs/artifact-reports.js';
import type { JobRunner } from './jobs/job-runner.js';
import type { QueueWorkers } from './jobs/queue-workers.js';
import type { WorkerConfig } from './worker-config.js';

/** Part of the time to end in that jobs at hand may take to be finished; after it they are given back. */
const FINISHING = 0.5;
/** Part of it for the last reports. */
const REPORTING = 0.2;

/** Starts and stops what a worker runs. */
export class WorkerLifecycle
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly config: WorkerConfig,
    private readonly store: FileStore,
    private readonly runner: JobRunner,
    private readonly workers: QueueWorkers,
    private readonly reports: ArtifactReports,
    private readonly reporter: Reporter,
    private readonly stopping: AbortController,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.store.open(Date.now());
    // However much lies there, jobs do not wait until it is added up.
    void this.reports.size();
    this.workers.start((job, token, lost) => this.runner.run(job, token, lost));
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { shutdownSeconds } = this.config;
    const giveBack = setTimeout(() => this.stopping.abort(), shutdownSeconds * 1_000 * FINISHING);
    await this.workers.stop();
    clearTimeout(giveBack);
    await this.reports.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.reporter.close({ deadlineMs: this.config.shutdownSeconds * 1_000 * REPORTING });
    this.workers.close();
  }
}
