import { type Redis } from 'ioredis';
import { DRIFT_KEY, TOTALS_KEY } from './totals-keys.js';

/** What the last comparison of the totals in Redis with Postgres came to. */
export interface DriftRecord {
  /** When, ms. */
  readonly atMs: number;
  /** Where both stood; a decimal string. */
  readonly position: string;
  /** Series that differed. */
  readonly drift: number;
  /** Whether the totals were loaded anew and then were equal. */
  readonly healed: boolean;
}

/** A record as it is read: whether it is about the totals that Redis holds now, or some that were replaced since. */
export interface KnownDrift extends DriftRecord {
  readonly current: boolean;
}

/** Publishes what a comparison came to, beside the totals it is about. */
export async function writeDrift(redis: Redis, record: DriftRecord): Promise<void> {
  const generation = await redis.hget(TOTALS_KEY, '@generation');
  const { atMs, position, drift, healed } = record;
  await redis.hset(DRIFT_KEY, {
    ...{ at: String(atMs), position, drift: String(drift), healed: healed ? '1' : '0' },
    generation: generation ?? '',
  });
}

/** What the last comparison came to; null when there was none. */
export async function readDrift(redis: Redis): Promise<KnownDrift | null> {
  const [fields, generation] = await Promise.all([
    redis.hgetall(DRIFT_KEY),
    redis.hget(TOTALS_KEY, '@generation'),
  ]);
  const { at, position, drift, healed } = fields;
  if (at === undefined || position === undefined) return null;
  return {
    ...{ atMs: Number(at), position, drift: Number(drift), healed: healed === '1' },
    current: fields['generation'] === (generation ?? ''),
  };
}
