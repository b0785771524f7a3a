import type { Redis } from 'ioredis';

/** Every key of the running totals as Redis serialises it: what a backup would hold. */
export type TotalsCopy = ReadonlyMap<string, Buffer>;

/** Copies the running totals and their member sets, but nothing of the queue. */
export async function dumpTotals(redis: Redis): Promise<TotalsCopy> {
  const copy = new Map<string, Buffer>();
  for (const key of await totalsKeys(redis)) {
    const value = await redis.dumpBuffer(key);
    if (value) copy.set(key, value);
  }
  return copy;
}

/** Puts the running totals back as they were when they were copied. */
export async function restoreTotals(redis: Redis, copy: TotalsCopy): Promise<void> {
  const restore = redis.multi();
  for (const key of await totalsKeys(redis)) restore.del(key);
  for (const [key, value] of copy) restore.restore(key, 0, value);
  await restore.exec();
}

async function totalsKeys(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('{quipu}:*');
  return keys.filter((key) => /^\{quipu\}:(totals|members)/.test(key));
}
