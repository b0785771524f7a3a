import { setTimeout as pause } from 'node:timers/promises';
import { errorMessage } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { dumpRedis, type RedisDump, type RedisMember, type RedisTotal } from './redis-dump.js';

/**
 * How Redis stands to a snapshot of Postgres:
 * `met` at the same position and epoch, with all it holds; `passed`: further on already; `absent`: it holds
 * no numbers of this ledger that anybody would be answered from (away, empty, another epoch, a mark left by
 * a script that died); `stale`: it stands behind and does not move, and readers are answered from it.
 */
export type RedisMeeting =
  | {
      readonly state: 'met';
      readonly totals: readonly RedisTotal[];
      readonly members: readonly RedisMember[];
    }
  | { readonly state: 'passed' }
  | { readonly state: 'absent'; readonly reason: string }
  | { readonly state: 'stale'; readonly reason: string };

const POLL_MS = 10;

/** Reads Redis when it comes to `position` in `epoch`, waiting up to `waitMs` for it. */
export async function meetRedis(
  redis: Redis | undefined,
  position: bigint,
  epoch: string,
  waitMs: number,
): Promise<RedisMeeting> {
  if (redis === undefined) return { state: 'absent', reason: 'no Redis was given' };
  let dump: RedisDump | undefined;
  try {
    for (let waited = 0; waited <= waitMs; waited += POLL_MS) {
      if (waited > 0) await pause(POLL_MS);
      dump = await dumpRedis(redis, position.toString(), epoch);
      if (dump.content !== null) return { state: 'met', ...dump.content };
      if (dump.epoch === epoch && /^\d+$/.test(dump.position) && BigInt(dump.position) > position) {
        return { state: 'passed' };
      }
    }
  } catch (error) {
    return { state: 'absent', reason: `Redis does not answer: ${errorMessage(error)}` };
  }
  if (dump === undefined || dump.epoch === '') return { state: 'absent', reason: 'Redis holds no totals' };
  if (dump.epoch !== epoch)
    return { state: 'absent', reason: `Redis belongs to another epoch, ${dump.epoch}` };
  if (dump.position === '!') return { state: 'absent', reason: 'Redis is marked as half applied' };
  return { state: 'stale', reason: `Redis stands at ${dump.position}, the checkpoint at ${position}` };
}
