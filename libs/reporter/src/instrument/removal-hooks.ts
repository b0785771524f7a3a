import type { BullClient, BullJob, BullQueue } from './bull.js';
import { type Child, lookAtChildren, reportGoneChildren } from './child-jobs.js';
import type { JobFacts } from './job-facts.js';
import type { JobReports } from './job-reports.js';

/** Jobs that are read at a time: few at first, since often there is nothing to clean. */
const FIRST_PAGE = 10;
const LAST_PAGE = 500;
/** Most jobs that are looked at before a call that takes many out, and for how long, ms: the call waits for it. */
const MOST_LOOKED_AT = 100_000;
const LOOK_MS = 5_000;
/** As many jobs as may be taken out by others between the look and the call that it is for. */
const SLACK = 100;
/** Jobs that are looked up at the same time. */
const AT_ONCE = 100;
const WAITING = ['waiting', 'paused', 'prioritized'];
/** In the order in which jobs pass through them, so that one that goes on meanwhile is met again. */
const ALL = ['waiting-children', 'delayed', ...WAITING, 'active', 'completed', 'failed'];

/** What must be known of a job to report that it is gone. */
export interface Seen {
  readonly id: string;
  /** When it was enqueued, ms. */
  readonly timestamp: number;
  readonly facts: JobFacts;
}

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
    const [job] = await lookUp(reports, () => found(id));
    const below = job === undefined ? undefined : await family(queue, reports, id);
    const code = await remove(id, ...rest);
    const now = Date.now();
    if (job !== undefined && code === 1) {
      reports.gone(job.facts, now);
      if (below !== undefined && below.children.length > 0)
        reports.inBackground(() => reportGoneChildren(below.client, below.children, reports, now));
    }
    return code;
  };

  const drain = queue.drain.bind(queue);
  queue.drain = (delayed) =>
    around(queue, reports, delayed === true ? ['delayed', ...WAITING] : WAITING, () => drain(delayed));

  const obliterate = queue.obliterate.bind(queue);
  queue.obliterate = (...args) => around(queue, reports, ALL, () => obliterate(...args));

  const clean = queue.clean.bind(queue);
  queue.clean = async (grace, limit, type = 'completed') => {
    const state = type === 'wait' ? 'waiting' : type;
    const before = await lookAt(queue, reports, [state], cleanable(grace, limit, state));
    const ids = await clean(grace, limit, type);
    const now = Date.now();
    let unseen = 0;
    for (const id of ids) {
      const job = before.get(id);
      if (job === undefined) unseen += 1;
      else reports.gone(job.facts, now);
    }
    if (unseen > 0)
      reports.tell(new Error(`${queue.name}: ${unseen} cleaned jobs are not reported as removed`));
    return ids;
  };

  hookSchedulers(queue, reports, found);
}

/** What waits below a job; undefined if the look fails: the program's own call must go on. */
async function family(
  queue: BullQueue,
  reports: JobReports,
  id: string,
): Promise<{ client: BullClient; children: Child[] } | undefined> {
  try {
    const client = await (queue.backend?.client ?? queue.client);
    if (client === undefined) return undefined;
    return { client, children: await lookAtChildren(client, queue.toKey(id), reports) };
  } catch (error) {
    reports.tell(error);
    return undefined;
  }
}

/** A schedule has one job ahead, which goes when the schedule changes or goes. */
function hookSchedulers(
  queue: BullQueue,
  reports: JobReports,
  found: (id: string) => Promise<BullJob | undefined>,
): void {
  const pending = (id: string) =>
    lookUp(reports, async () => {
      const next = (await queue.getJobScheduler?.(id))?.next;
      return next === undefined || next === null ? undefined : found(`repeat:${id}:${next}`);
    });

  if (queue.upsertJobScheduler !== undefined) {
    const upsert = queue.upsertJobScheduler.bind(queue);
    queue.upsertJobScheduler = async (id, ...rest) => {
      const before = await pending(id);
      const job = await upsert(id, ...rest);
      reportGone(queue, reports, before);
      if (job !== undefined) reports.queuedIfStored(job);
      return job;
    };
  }
  if (queue.removeJobScheduler !== undefined) {
    const removeScheduler = queue.removeJobScheduler.bind(queue);
    queue.removeJobScheduler = async (id) => {
      const before = await pending(id);
      const result = await removeScheduler(id);
      reportGone(queue, reports, before);
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
  const before = await lookAt(queue, reports, states, { most: MOST_LOOKED_AT });
  const result = await action();
  reportGone(queue, reports, [...before.values()]);
  return result;
}

/** Reports those of some jobs that are no longer there. */
export function reportGone(queue: BullQueue, reports: JobReports, jobs: readonly Seen[]): void {
  const now = Date.now();
  reports.inBackground(async () => {
    for (let at = 0; at < jobs.length; at += AT_ONCE) {
      const some = jobs.slice(at, at + AT_ONCE);
      const stored = await Promise.all(some.map(({ id }) => queue.Job.fromId(queue, id)));
      some.forEach(({ timestamp, facts }, i) => {
        // The next job of a schedule may have the id of the one it replaces.
        if (stored[i]?.timestamp !== timestamp) reports.gone(facts, now);
      });
    }
  });
}

/** What is to be known of a job; nothing if it is not there, or the look fails: the program's own call must go on. */
export async function lookUp(reports: JobReports, work: () => Promise<BullJob | undefined>): Promise<Seen[]> {
  try {
    const job = await work();
    return job === undefined ? [] : [seen(reports, job)];
  } catch (error) {
    reports.tell(error);
    return [];
  }
}

/** Without its data, which may be large. */
function seen({ names }: JobReports, job: BullJob): Seen {
  const { tenant, subject } = names.of(job);
  return { id: job.id ?? '', timestamp: job.timestamp, facts: { tenant, subject, fields: {} } };
}

/** Which jobs to look at. */
interface Look {
  readonly most: number;
  /** Whether to begin with the oldest, or those that are due first. */
  readonly asc?: boolean;
  /** Whether no job after this one matters. */
  readonly isLast?: (job: BullJob) => boolean;
}

/** The jobs that BullMQ takes into account when it cleans a state: those at its old end. */
function cleanable(grace: number, limit: number, state: string): Look {
  const most = limit > 0 ? Math.min(limit + SLACK, MOST_LOOKED_AT) : MOST_LOOKED_AT;
  if (state !== 'completed' && state !== 'failed') return { most, asc: true };
  const newestMs = Date.now() - grace;
  return { most, asc: true, isLast: ({ finishedOn }) => (finishedOn ?? 0) > newestMs };
}

/** Looks at jobs of some states, by id, as far as it goes in reasonable time. */
async function lookAt(
  queue: BullQueue,
  reports: JobReports,
  states: string[],
  { most, asc = false, isLast }: Look,
): Promise<Map<string, Seen>> {
  const found = new Map<string, Seen>();
  const endMs = performance.now() + LOOK_MS;
  let looked = 0;
  try {
    for (const state of states) {
      let start = 0;
      for (let size = FIRST_PAGE; looked < most; size = Math.min(10 * size, LAST_PAGE)) {
        if (performance.now() > endMs) throw new Error(`${queue.name}: it takes over ${LOOK_MS} ms`);
        const count = Math.min(size, most - looked);
        const page = await queue.getJobs([state], start, start + count - 1, asc);
        if (page.length === 0) break;
        looked += page.length;
        for (const job of page) {
          if (job !== undefined) reports.quietly(() => found.set(job.id ?? '', seen(reports, job)));
        }
        const last = page.at(-1);
        if (last !== undefined && isLast?.(last) === true) break;
        start += count;
      }
    }
    if (looked >= MOST_LOOKED_AT) throw new Error(`${queue.name}: there are over ${MOST_LOOKED_AT}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    reports.tell(
      new Error(`jobs that are taken out may not be reported as removed: ${why}`, { cause: error }),
    );
  }
  return found;
}
