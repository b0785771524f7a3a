import type { BullClient } from './bull.js';
import type { JobFacts } from './job-facts.js';
import type { JobReports } from './job-reports.js';
import { isAbsent, readJob } from './stored-jobs.js';

/** Most children that are looked at before a parent is taken out. */
const MOST_CHILDREN = 1_000;

/** A job that waits below another one. */
export interface Child {
  /** Its key in Redis. */
  readonly key: string;
  readonly timestamp: string;
  readonly facts: JobFacts;
}

/**
 * The jobs below a job that have not ended, its children's children included, as far as there are not too many: BullMQ
 * takes them out with it, and tells nobody.
 */
export async function lookAtChildren(client: BullClient, key: string, reports: JobReports): Promise<Child[]> {
  const found: Child[] = [];
  const parents = [key];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const child of await client.smembers(`${parent}:dependencies`)) {
      if (found.length >= MOST_CHILDREN) {
        reports.tell(
          new Error(`over ${MOST_CHILDREN} jobs go with ${key}: the others are not reported as removed`),
        );
        return found;
      }
      const [name, data, opts, timestamp] = await client.hmget(child, 'name', 'data', 'opts', 'timestamp');
      if (isAbsent(timestamp)) continue;
      const [queueName, id] = child.split(':').slice(-2) as [string, string];
      const job = readJob(id, queueName, { ...{ name, data, opts }, timestamp: Number(timestamp) });
      const { tenant, subject } = reports.names.of(job);
      found.push({ key: child, timestamp, facts: { tenant, subject, fields: {} } });
      parents.push(child);
    }
  }
  return found;
}

/** Reports those of some jobs that are no longer there. */
export async function reportGoneChildren(
  client: BullClient,
  children: readonly Child[],
  reports: JobReports,
  time: number,
): Promise<void> {
  for (const { key, timestamp, facts } of children) {
    const [now] = await client.hmget(key, 'timestamp');
    if (now !== timestamp) reports.gone(facts, time);
  }
}
