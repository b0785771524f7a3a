import type { Redis } from 'ioredis';

/**
 * Asks Redis what it does when memory runs out.
 * @returns a warning if it would throw away jobs, null if it would not.
 */
export async function evictionWarning(redis: Redis): Promise<string | null> {
  const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(await redis.info('memory'))?.[1];
  if (policy === 'noeviction') return null;
  return `Redis has maxmemory-policy ${policy ?? 'unknown'}: when memory runs out it deletes queued events. Set it to noeviction.`;
}
