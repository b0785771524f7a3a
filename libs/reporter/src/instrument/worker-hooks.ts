import type { BullJob, BullScheduler, BullWorker } from './bull.js';
import type { JobReports } from './job-reports.js';
import { reportParent } from './parent-jobs.js';
import { attemptOf, type WorkerRuns } from './worker-runs.js';

/** Lets a worker report its jobs. Its processor is left as it is: what is wrapped is how BullMQ calls it. */
export function hookWorker(worker: BullWorker, reports: JobReports, runs: WorkerRuns): void {
  const processJob = worker.processJob.bind(worker);
  worker.processJob = async (job, ...rest) => {
    reports.quietly(() => void runs.begin(job));
    try {
      return await processJob(job, ...rest);
    } finally {
      const run = runs.get(job);
      if (run !== undefined) reports.quietly(() => runs.leave(run));
    }
  };
  const callProcessJob = worker.callProcessJob.bind(worker);
  worker.callProcessJob = async (job, ...rest) => {
    const run = runs.get(job);
    try {
      return await callProcessJob(job, ...rest);
    } catch (error) {
      if (run !== undefined) run.thrown = error;
      throw error;
    } finally {
      // What comes after may wait long for Redis; the job holds its nodes no longer.
      if (run !== undefined) run.settledMs = Date.now();
    }
  };
  worker.on('completed', (job: BullJob) => {
    reports.quietly(() => runs.completed(job));
    reportParent(worker, job, reports);
  });
  worker.on('failed', (job: BullJob | undefined, error: unknown) => {
    if (job === undefined) return;
    reports.quietly(() => runs.failed(job, error));
    if (typeof job.finishedOn === 'number') reportParent(worker, job, reports);
  });
  worker.on('progress', (job: BullJob | string, progress: unknown) => {
    if (typeof job === 'object') reports.quietly(() => runs.progressed(job, progress));
  });
  worker.on('removed', (job: BullJob | string) => {
    if (typeof job === 'object') reports.quietly(() => reports.removed(job, Date.now()));
  });
  worker.on('stalled', (id: string) => reports.inBackground(() => stalled(worker, reports, id, Date.now())));
  hookScheduler(worker, reports);
}

/**
 * A job whose worker was not heard of waits again: that ends the attempt, as an estimate which the true end, should
 * it come, replaces. How often the job was started is read before where it stands: if it starts in between, the
 * attempt that is named has begun already, which does no harm, while one too many would wait for ever.
 */
async function stalled(worker: BullWorker, reports: JobReports, id: string, time: number): Promise<void> {
  const job = await worker.Job.fromId(worker, id);
  if (job === undefined) return;
  const state = await job.getState();
  const begun = state === 'active' || state === 'completed' || state === 'failed' || state === 'unknown';
  const facts = reports.names.of(job);
  reports.say('job.queued', facts, time, {
    queue: facts.fields.queue,
    attempt: attemptOf(job) + (begun ? 0 : 1),
    error: 'stalled: the worker that ran it was not heard of',
    stalled: job.stalledCounter ?? 1,
  });
}

/** How long the next job of a schedule stays unreported, ms. */
const AHEAD_MS = 250;

/**
 * Reports the next job of a schedule, unless it has gone by then: whoever removes the schedule at the moment when
 * this worker takes up its job does not see the next one, which would wait for ever in the ledger. One that is due
 * before is reported when it starts.
 */
function reportAhead(worker: BullWorker, reports: JobReports, job: BullJob): void {
  const timer = setTimeout(() => {
    if (!worker.closing) reports.queuedIfStored(job);
  }, AHEAD_MS);
  timer.unref();
}

/** The worker that takes up a job of a schedule makes the next one. */
function hookScheduler(worker: BullWorker, reports: JobReports): void {
  const owner = Object.getPrototypeOf(worker) as object;
  if (!('jobScheduler' in owner)) return;
  const hooked = new WeakSet<BullScheduler>();
  const hook = (scheduler: BullScheduler): BullScheduler => {
    if (hooked.has(scheduler)) return scheduler;
    hooked.add(scheduler);
    const upsert = scheduler.upsertJobScheduler.bind(scheduler);
    scheduler.upsertJobScheduler = async (...args) => {
      const job = (await upsert(...args)) as BullJob | undefined;
      if (job !== undefined) reportAhead(worker, reports, job);
      return job;
    };
    return scheduler;
  };
  Object.defineProperty(worker, 'jobScheduler', {
    configurable: true,
    get: () => (Reflect.get(owner, 'jobScheduler', worker) as Promise<BullScheduler>).then(hook),
  });
}
