import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from '@quipu/platform';
import { createReporter, Reporter } from '@quipu/reporter';
import { hostname } from 'node:os';
import { FileStore } from './artifacts/file-store.js';
import { InputRoot } from './inputs/input-root.js';
import { ArtifactReports } from './jobs/artifact-reports.js';
import { JobRunner } from './jobs/job-runner.js';
import { QueueWorkers } from './jobs/queue-workers.js';
import { STOPPING } from './tokens.js';
import type { WorkerConfig } from './worker-config.js';
import { WorkerLifecycle } from './worker.lifecycle.js';

/** A worker: BullMQ workers that report themselves, what they do with jobs, and where they put it. */
@Module({})
export class WorkerModule {
  /** Composes the process from its configuration; it takes no job before the application starts. */
  static create(config: WorkerConfig, logger: Logger): DynamicModule {
    return {
      module: WorkerModule,
      providers: [
        { provide: STOPPING, useFactory: () => new AbortController() },
        {
          provide: Reporter,
          useFactory: () =>
            createReporter({
              connection: config.redisUrl,
              tenant: config.tenant,
              source: `quipu-worker/${config.name ?? hostname()}`,
              onError: (error) => logger.warn({ reason: error.message }, 'reporting does not go well'),
            }),
        },
        { provide: InputRoot, useFactory: () => InputRoot.open(config.inputDir) },
        { provide: FileStore, useFactory: () => new FileStore(config.fileStoreDir) },
        {
          provide: ArtifactReports,
          inject: [FileStore, Reporter],
          useFactory: (store: FileStore, reporter: Reporter) =>
            new ArtifactReports(config, store, reporter, logger),
        },
        {
          provide: JobRunner,
          inject: [InputRoot, FileStore, ArtifactReports, STOPPING],
          useFactory: (
            root: InputRoot,
            store: FileStore,
            reports: ArtifactReports,
            stopping: AbortController,
          ) => new JobRunner(config, root, store, reports, stopping.signal),
        },
        {
          provide: QueueWorkers,
          inject: [Reporter],
          useFactory: (reporter: Reporter) => new QueueWorkers(config, reporter, logger),
        },
        {
          provide: WorkerLifecycle,
          inject: [FileStore, JobRunner, QueueWorkers, ArtifactReports, Reporter, STOPPING],
          useFactory: (
            ...parts: ConstructorParameters<typeof WorkerLifecycle> extends [unknown, ...infer P] ? P : never
          ) => new WorkerLifecycle(config, ...parts),
        },
      ],
    };
  }
}
