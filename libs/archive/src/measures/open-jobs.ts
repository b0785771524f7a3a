import { MEASURES_QUEUE, parseMeasuresPayload, QUEUE_PREFIX } from '@quipu/contracts';
import type { Redis } from 'ioredis';
import { decodeBatch } from './batch-codec.js';

const BASE = `${QUEUE_PREFIX}:${MEASURES_QUEUE}`;
/** Lists of jobs that are not done, as BullMQ keeps them. */
const OPEN_LISTS = ['wait', 'paused', 'active'];
const JOBS_AT_ONCE = 1_000;

/** How many jobs with measures are not done. */
export async function countOpenJobs(redis: Redis): Promise<number> {
  const counts = await Promise.all(OPEN_LISTS.map((list) => redis.llen(`${BASE}:${list}`)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The jobs with measures that are not done at one moment, at most so many of each list; the last ones first. */
export async function openJobs(redis: Redis, limit: number): Promise<string[]> {
  const asked = redis.multi();
  // At one moment: a job on its way from one list to another must be in one of them.
  for (const list of OPEN_LISTS) asked.lrange(`${BASE}:${list}`, 0, limit - 1);
  const answers = (await asked.exec()) ?? [];
  return answers.flatMap(([error, ids]) => {
    if (error) throw error;
    // BullMQ marks an empty list with a member that is no job.
    return (ids as string[]).filter((id) => !id.startsWith('0:'));
  });
}

/** Those of some jobs (named like their batches) that are still there. A job that is done is gone. */
export async function stillThere(redis: Pick<Redis, 'pipeline'>, ids: readonly string[]): Promise<string[]> {
  const asked = redis.pipeline();
  for (const id of ids) asked.exists(`${BASE}:${id}`);
  const answers = (await asked.exec()) ?? [];
  return ids.filter((_, i) => {
    const [error, found] = answers[i] ?? [];
    if (error) throw error;
    return found === 1;
  });
}

/** What is known of a job in the queue without reading it. */
export interface JobInQueue {
  /** Its name: the tenant it comes from. */
  readonly name: string;
  /** Bytes of its data. */
  readonly bytes: number;
}

/** Jobs by id; those that are gone are left out. */
export async function jobsInQueue(redis: Redis, ids: readonly string[]): Promise<Map<string, JobInQueue>> {
  const jobs = new Map<string, JobInQueue>();
  if (ids.length === 0) return jobs;
  const asked = redis.pipeline();
  for (const id of ids) asked.hget(`${BASE}:${id}`, 'name').hstrlen(`${BASE}:${id}`, 'data');
  const answers = (await asked.exec()) ?? [];
  ids.forEach((id, i) => {
    const [name, bytes] = [answers[2 * i], answers[2 * i + 1]];
    if (name?.[0]) throw name[0];
    if (bytes?.[0]) throw bytes[0];
    if (typeof name?.[1] === 'string') jobs.set(id, { name: name[1], bytes: Number(bytes?.[1] ?? 0) });
  });
  return jobs;
}

/** What a job's options carry besides those of the queue. */
interface JobMarks {
  readonly metrics?: unknown;
}

/** The prints of jobs' metrics, by id; null of a job that carries none. Jobs that are gone are left out. */
export async function printsOfJobs(
  redis: Redis,
  ids: readonly string[],
): Promise<Map<string, Buffer | null>> {
  const prints = new Map<string, Buffer | null>();
  for (let from = 0; from < ids.length; from += JOBS_AT_ONCE) {
    const some = ids.slice(from, from + JOBS_AT_ONCE);
    const asked = redis.pipeline();
    for (const id of some) asked.hget(`${BASE}:${id}`, 'opts');
    const answers = (await asked.exec()) ?? [];
    some.forEach((id, i) => {
      const [error, text] = answers[i] ?? [];
      if (error) throw error;
      if (typeof text !== 'string') return;
      const { metrics } = JSON.parse(text) as JobMarks;
      prints.set(id, typeof metrics === 'string' ? Buffer.from(metrics, 'base64') : null);
    });
  }
  return prints;
}

/** Counts the measures of open jobs by metric; stops at so many bytes of job data. */
export async function countQueued(redis: Redis, maxBytes: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let bytes = 0;
  for (const id of await openJobs(redis, 1_000)) {
    if (bytes > maxBytes) break;
    const data = await redis.hget(`${BASE}:${id}`, 'data');
    if (data === null) continue;
    bytes += data.length;
    const payload = parseMeasuresPayload(JSON.parse(data));
    const parts = 'error' in payload ? null : decodeBatch(payload.measures);
    for (const { metricId, points } of parts ?? []) {
      counts.set(metricId, (counts.get(metricId) ?? 0) + points.values.length);
    }
  }
  return counts;
}
