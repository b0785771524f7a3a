import type { BullClient, BullJob, BullWorker } from './bull.js';
import { isAbsent, readJob } from './stored-jobs.js';
import type { JobReports } from './job-reports.js';

/**
 * A job of a flow ended; if it was the last its parent waited for, the parent waits for a worker from now on. Redis
 * moves the parent and tells nobody, so it is looked up. Two that end at once may both see it, and both say so:
 * the earlier counts.
 */
export function reportParent(worker: BullWorker, child: BullJob, reports: JobReports): void {
  const { parent } = child;
  if (parent === undefined) return;
  reports.inBackground(async () => {
    const client = await (worker.backend?.client ?? worker.client);
    if (client === undefined) return;
    const released = await releasedParent(client, parent.queueKey, parent.id);
    if (released === undefined) return;
    const now = Date.now();
    const { begun } = released;
    // The data may be large, and of many children only the last needs it.
    const key = `${parent.queueKey}:${parent.id}`;
    const [name, data, opts, finished] = await client.hmget(key, 'name', 'data', 'opts', 'finishedOn');
    // One that was active at first, and then was not, may have ended in between: no attempt of it waits.
    if (isAbsent(data) || (begun > 0 && !isAbsent(finished))) return;
    const queueName = parent.queueKey.slice(parent.queueKey.lastIndexOf(':') + 1);
    const job = readJob(parent.id, queueName, { ...{ name, data, opts }, timestamp: released.timestamp });
    const facts = reports.names.of(job);
    const fields = { queue: facts.fields.queue, attempt: begun + 1 };
    // Whoever made the flow may not have said that it began blocked; of later attempts the worker says it.
    if (begun === 0) reports.say('job.blocked', facts, job.timestamp, fields);
    reports.say('job.unblocked', facts, now, fields);
  });
}

/** A job that no longer waits for its children, and not yet runs. */
interface Released {
  readonly timestamp: number;
  /** How many times it was started: a job may add children while it runs, and give itself back until they are done. */
  readonly begun: number;
}

/**
 * How often it was started is read before where it stands: if it starts in between, it is found active, or the attempt
 * that is named has begun already, which does no harm. If it ends in between, that is seen afterwards.
 */
async function releasedParent(
  client: BullClient,
  queueKey: string,
  id: string,
): Promise<Released | undefined> {
  const fields = ['timestamp', 'ats', 'finishedOn'];
  const [timestamp, started, finished] = await client.hmget(`${queueKey}:${id}`, ...fields);
  if (isAbsent(timestamp) || !isAbsent(finished)) return undefined;
  if ((await client.zscore(`${queueKey}:waiting-children`, id)) !== null) return undefined;
  const begun = Number(started ?? 0);
  if (begun > 0) {
    const active = await client.lrange(`${queueKey}:active`, 0, -1);
    if (active.includes(id)) return undefined;
    // One that failed and backs off was not blocked, and does not wait before it is due.
    if ((await client.zscore(`${queueKey}:delayed`, id)) !== null) return undefined;
  }
  return { timestamp: Number(timestamp), begun };
}
