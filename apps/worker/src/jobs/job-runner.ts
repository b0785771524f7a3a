import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { z } from 'zod';
import { type Artifact, type FileStore, jobKey, type RunKey } from '../artifacts/file-store.js';
import { ForbiddenInputError, type InputRoot } from '../inputs/input-root.js';
import { JobInput } from '../inputs/job-input.js';
import { TASKS } from '../tasks/index.js';
import { InvalidJobError } from '../tasks/task.js';
import type { WorkerConfig } from '../worker-config.js';
import type { ArtifactReports } from './artifact-reports.js';

/** What every job says. */
const jobData = z.looseObject({
  /** Input, from the input directory. */
  path: z.string().min(1).max(1_000),
  user: z.string().min(1).max(200).optional(),
});

/** What a job answers. */
export type JobAnswer = Pick<Artifact, 'id' | 'category' | 'files'>;

/** Progress is told at most so often, ms. */
const PROGRESS_MS = 500;

/** Does the work of jobs: from an input to an artifact. */
export class JobRunner {
  constructor(
    private readonly config: WorkerConfig,
    private readonly root: InputRoot,
    private readonly store: FileStore,
    private readonly reports: ArtifactReports,
    private readonly stopping: AbortSignal,
  ) {}

  /**
   * Runs a job. Whatever ends it, the store holds its artifact as a whole or nothing of it.
   *
   * @param token of BullMQ, under which this worker holds the job.
   * @param lost aborted when the job is not this worker's any more.
   * @throws UnrecoverableError for what no retry makes possible; WaitingError when it was given back.
   */
  async run(job: Job, token: string, lost?: AbortSignal): Promise<JobAnswer> {
    const signal = lost === undefined ? this.stopping : AbortSignal.any([lost, this.stopping]);
    try {
      const { id, category, files } = await this.make(job, token, signal);
      return { id, category, files };
    } catch (error) {
      if (this.stopping.aborted && lost?.aborted !== true) {
        await job.moveToWait(token);
        throw new WaitingError('the worker is ending');
      }
      if (error instanceof z.ZodError) throw new UnrecoverableError(z.prettifyError(error));
      if (error instanceof InvalidJobError || error instanceof ForbiddenInputError) {
        throw new UnrecoverableError(error.message);
      }
      throw error;
    }
  }

  private async make(job: Job, token: string, signal: AbortSignal): Promise<Artifact> {
    signal.throwIfAborted();
    const task = TASKS.get(job.name);
    if (task === undefined)
      throw new InvalidJobError(`no such task; there are ${[...TASKS.keys()].join(', ')}`);
    const { path, user } = jobData.parse(job.data);
    const run = this.runOf(job);
    const earlier = await this.store.earlier(run);
    if (earlier !== undefined) {
      // Its worker was killed after it had made it, perhaps before it could tell.
      await this.reports.created(earlier);
      return earlier;
    }
    const [first, ...rest] = await this.root.find(path);
    if (first === undefined) throw new ForbiddenInputError('the path names nothing');
    const onProgress = progressOf(job);
    const { bytesPerSecond } = this.config;
    const product = task(
      new JobInput(this.root, [first, ...rest], { bytesPerSecond, signal, onProgress }),
      job.data,
    );
    const draft = await this.store.draft(run);
    let artifact: Artifact;
    try {
      await draft.write(product.name, product.content);
      // One that was stopped for long has lost its job to another, whose artifact is the one that counts.
      if ((await job.extendLock(token, this.config.lockMs)) !== 1)
        throw new Error('another worker has the job');
      const about = {
        category: product.category,
        ...(user === undefined ? {} : { user }),
        createdMs: Date.now(),
      };
      artifact = await draft.publish(about, () => this.store.find(draft.id));
    } catch (error) {
      await draft.discard();
      throw error;
    }
    await this.reports.created(artifact);
    return artifact;
  }

  private runOf(job: Job): RunKey {
    const { tenant, jobsPrefix } = this.config;
    return {
      job: jobKey(tenant, jobsPrefix, job.queueName, job.id ?? '', job.timestamp),
      attempt: Math.max(1, job.attemptsStarted),
    };
  }
}

/** Tells BullMQ of progress in whole per cent, now and then. */
function progressOf(job: Job): (read: number, of: number) => void {
  let told = 0;
  let toldMs = performance.now();
  return (read, of) => {
    const percent = of === 0 ? 100 : Math.floor((100 * read) / of);
    if (percent === told || performance.now() - toldMs < PROGRESS_MS) return;
    told = percent;
    toldMs = performance.now();
    // It is news, no result: the job goes on without it.
    job.updateProgress(percent).catch(() => undefined);
  };
}
