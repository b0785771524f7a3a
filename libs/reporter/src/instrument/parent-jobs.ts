import type { BullJob, BullWorker } from './bull.js';
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
    const stored = await client.hgetall(`${parent.queueKey}:${parent.id}`);
    if (stored['timestamp'] === undefined) return;
    const blocked = await client.zscore(`${parent.queueKey}:waiting-children`, parent.id);
    if (blocked !== null || stored['processedOn'] !== undefined) return;
    const now = Date.now();
    const queueName = parent.queueKey.slice(parent.queueKey.lastIndexOf(':') + 1);
    const job = readJob(parent.id, queueName, stored);
    const facts = reports.names.of(job);
    const fields = { queue: facts.fields.queue, attempt: 1 };
    // Whoever made the flow may not have said that it began blocked.
    reports.say('job.blocked', facts, job.timestamp, fields);
    reports.say('job.unblocked', facts, now, fields);
  });
}

/** As much of a job in Redis as it takes to name it. */
function readJob(id: string, queueName: string, stored: Record<string, string>): BullJob {
  const read = (text: string | undefined): unknown => (text === undefined ? {} : JSON.parse(text));
  return {
    ...{ id, queueName, prefix: '', name: stored['name'] ?? '' },
    data: read(stored['data']),
    opts: read(stored['opts']) as BullJob['opts'],
    timestamp: Number(stored['timestamp']),
    attemptsMade: 0,
    getState: () => Promise.resolve('waiting'),
  };
}
