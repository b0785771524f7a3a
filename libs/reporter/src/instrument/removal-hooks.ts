import { type BullJob, type BullQueue, storedJob } from './bull.js';
import type { JobReports } from './job-reports.js';

const PAGE = 1_000;
/** Jobs that are looked up at the same time. */
const AT_ONCE = 100;
const WAITING = ['waiting', 'paused', 'prioritized'];
const UNFINISHED = [...WAITING, 'delayed', 'active', 'waiting-children'];

/**
 * Lets a queue report the jobs that are taken out of it. BullMQ tells their ids at most, afterwards, and the ledger's
 * name of a job holds when it was enqueued: so they are looked at before.
 */
export function hookRemovals(queue: BullQueue, reports: JobReports): void {
  queue.on('removed', (job: BullJob | string) => {
    if (typeof job === 'object') reports.quietly(() => reports.removed(job, Date.now()));
  });
  const found = (id: string) => queue.Job.fromId(queue, id);

  const remove = queue.remove.bind(queue);
  queue.remove = async (id, ...rest) => {
    const [job] = await look(reports, async () => [await found(id)]);
    const code = await remove(id, ...rest);
    if (job !== undefined && code === 1) reports.quietly(() => reports.removed(job, Date.now()));
    return code;
  };

  const drain = queue.drain.bind(queue);
  queue.drain = (delayed) =>
    around(queue, reports, delayed === true ? [...WAITING, 'delayed'] : WAITING, () => drain(delayed));

  const obliterate = queue.obliterate.bind(queue);
  queue.obliterate = (...args) =>
    around(queue, reports, [...UNFINISHED, 'completed', 'failed'], () => obliterate(...args));

  const clean = queue.clean.bind(queue);
  queue.clean = async (grace, limit, type = 'completed') => {
    const before = await look(reports, () => allJobs(queue, [type === 'wait' ? 'waiting' : type]));
    const ids = await clean(grace, limit, type);
    const gone = new Set(ids);
    const now = Date.now();
    for (const job of before) {
      if (gone.has(job.id ?? '')) reports.quietly(() => reports.removed(job, now));
    }
    return ids;
  };

  hookSchedulers(queue, reports, found);
}

/** A schedule has one job ahead, which goes when the schedule changes or goes. */
function hookSchedulers(
  queue: BullQueue,
  reports: JobReports,
  found: (id: string) => Promise<BullJob | undefined>,
): void {
  const pending = (id: string) =>
    look(reports, async () => {
      const next = (await queue.getJobScheduler?.(id))?.next;
      return next === undefined || next === null ? [] : [await found(`repeat:${id}:${next}`)];
    });

  if (queue.upsertJobScheduler !== undefined) {
    const upsert = queue.upsertJobScheduler.bind(queue);
    queue.upsertJobScheduler = async (id, ...rest) => {
      const before = await pending(id);
      const job = await upsert(id, ...rest);
      reportGone(reports, before);
      if (job !== undefined) reports.queuedIfStored(job);
      return job;
    };
  }
  if (queue.removeJobScheduler !== undefined) {
    const removeScheduler = queue.removeJobScheduler.bind(queue);
    queue.removeJobScheduler = async (id) => {
      const before = await pending(id);
      const result = await removeScheduler(id);
      reportGone(reports, before);
      return result;
    };
  }
}

/** Looks at the jobs of some states, does something, and reports those that are gone then. */
async function around<T>(
  queue: BullQueue,
  reports: JobReports,
  states: string[],
  action: () => Promise<T>,
): Promise<T> {
  const before = await look(reports, () => allJobs(queue, states));
  const result = await action();
  reportGone(reports, before);
  return result;
}

/** Reports those of some jobs that are no longer there. */
function reportGone(reports: JobReports, jobs: readonly BullJob[]): void {
  const now = Date.now();
  reports.inBackground(async () => {
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      const some = jobs.slice(at, at + AT_ONCE);
      const stored = await Promise.all(some.map(storedJob));
      some.forEach((job, i) => {
        // The next job of a schedule may have the id of the one it replaces.
        if (stored[i]?.timestamp !== job.timestamp) reports.removed(job, now);
      });
    }
  });
}

/** What a look brings; nothing if it fails, since the program's own call must go on. */
async function look(reports: JobReports, work: () => Promise<(BullJob | undefined)[]>): Promise<BullJob[]> {
  try {
    return (await work()).filter((job) => job !== undefined);
  } catch (error) {
    reports.tell(error);
    return [];
  }
}

async function allJobs(queue: BullQueue, states: string[]): Promise<BullJob[]> {
  const all: BullJob[] = [];
  for (const state of states) {
    for (let start = 0; ; start += PAGE) {
      const page = await queue.getJobs([state], start, start + PAGE - 1);
      for (const job of page) if (job !== undefined) all.push(job);
      if (page.length < PAGE) break;
    }
  }
  return all;
}
