import { QuipuError, StoreUnavailableError } from '@quipu/platform';
import { type Redis } from 'ioredis';
import { type TotalsChange, type TotalsHead } from './totals-changes.js';
import { CHANGES_KEY, memberSetKey, MEMBERS_PREFIX, TOTALS_KEY } from './totals-keys.js';
import { within } from './within.js';

/** Head and changes, read at one instant. */
export interface FeedAnswer {
  readonly head: TotalsHead;
  /** The changes after the one asked for, oldest first; at most {@link CHANGES_AT_ONCE}. */
  readonly changes: readonly TotalsChange[];
  /** What to ask for next time. */
  readonly last: string;
}

/** What is asked of a member set, by scores in ms. */
export interface MemberSetCounts {
  /** The set's name (`parseMemberSetName`). */
  readonly name: string;
  /** Members scored at or above each bound. */
  readonly atLeast: readonly number[];
  readonly total: number;
  /** The lowest score; null for an empty set. */
  readonly lowest: number | null;
}

/**
 * The totals were swapped while their member sets were counted: these are gone, and counts of them mean nothing. Or they
 * moved on from the position that counts were wanted of.
 */
export class TotalsMovedError extends QuipuError {
  readonly code = 'totals-moved';
  readonly retryable = true;
}

/** Most changes of one answer. */
export const CHANGES_AT_ONCE = 64;
/** Fields per round trip of a scan: few enough for the event loop to breathe. */
const SCAN_COUNT = 1_000;
/** Member sets asked about per pipeline. */
const SETS_AT_ONCE = 500;
const PATIENCE_MS = 2_000;

/**
 * The totals as a follower reads them: everything once, field by field, then only what changes. Entries of the stream
 * hold new values, not differences: applied over a scan that ran while they were written, they are right all the same.
 */
export class TotalsFeed {
  constructor(private readonly redis: Redis) {}

  /** Whether there is a connection; without one every question would be waited for in vain. */
  get connected(): boolean {
    return this.redis.status === 'ready';
  }

  /** Comes back when Redis answers. @throws if it does not. */
  async answers(): Promise<void> {
    await within(PATIENCE_MS, 'Asking Redis whether it is there', this.redis.ping());
  }

  /** Where the totals stand, and the id of the newest change. @throws if Redis does not answer. */
  async start(): Promise<{ head: TotalsHead; last: string }> {
    const [head, newest] = await this.together(
      this.redis
        .multi()
        .hmget(TOTALS_KEY, '@position', '@epoch', '@generation')
        .xrevrange(CHANGES_KEY, '+', '-', 'COUNT', 1),
    );
    return { head: headOf(head), last: (newest as StreamEntry[])[0]?.[0] ?? '0-0' };
  }

  /** What changed after `last`. @throws if Redis does not answer. */
  async after(last: string): Promise<FeedAnswer> {
    const [head, entries] = await this.together(
      this.redis
        .multi()
        .hmget(TOTALS_KEY, '@position', '@epoch', '@generation')
        .xrange(CHANGES_KEY, `(${last}`, '+', 'COUNT', CHANGES_AT_ONCE),
    );
    const found = entries as StreamEntry[];
    return { head: headOf(head), changes: found.map(changeOf), last: found.at(-1)?.[0] ?? last };
  }

  /** Every field and value, in pieces; a field may come more than once. @throws if Redis does not answer. */
  async *scan(): AsyncGenerator<readonly string[]> {
    let cursor = '0';
    do {
      const [next, flat] = await within(
        PATIENCE_MS,
        'Scanning the totals',
        this.redis.hscan(TOTALS_KEY, cursor, 'COUNT', SCAN_COUNT),
      );
      cursor = next;
      yield flat;
    } while (cursor !== '0');
  }

  /**
   * Counts members of all sets of a family.
   * @param generation of the totals (their head)
   * @param bounds in ms
   * @param position where the totals stood a moment ago: it is wanted that they stand there still. Without it each set
   * may be counted at another.
   * @throws TotalsMovedError if the totals were swapped meanwhile, or moved on; and if Redis does not answer.
   */
  async members(
    generation: string,
    family: string,
    bounds: readonly number[],
    position?: bigint,
  ): Promise<MemberSetCounts[]> {
    const all = await within(
      PATIENCE_MS,
      'Reading names of member sets',
      this.redis.smembers(`${MEMBERS_PREFIX}${generation}`),
    );
    const names = all.filter((name) => name.startsWith(`${family}|`));
    const found: MemberSetCounts[] = [];
    for (let i = 0; i < names.length; i += SETS_AT_ONCE) {
      const some = names.slice(i, i + SETS_AT_ONCE);
      const pipeline = this.redis.pipeline();
      for (const name of some) {
        const key = memberSetKey(generation, name);
        for (const bound of bounds) pipeline.zcount(key, bound, '+inf');
        pipeline.zcard(key);
        pipeline.zrange(key, '0', '0', 'WITHSCORES');
      }
      const replies = await this.together(pipeline);
      const each = bounds.length + 2;
      some.forEach((name, at) => {
        const of = replies.slice(at * each, (at + 1) * each);
        const lowest = (of[each - 1] as string[])[1];
        found.push({
          name,
          atLeast: of.slice(0, bounds.length).map(Number),
          total: Number(of[each - 2]),
          lowest: lowest === undefined ? null : Number(lowest),
        });
      });
    }
    const [current, stands] = await within(
      PATIENCE_MS,
      'Checking the totals',
      this.redis.hmget(TOTALS_KEY, '@generation', '@position'),
    );
    if (current !== generation)
      throw new TotalsMovedError('The totals were swapped while they were counted.');
    if (position !== undefined && stands !== String(position))
      throw new TotalsMovedError('The totals moved on while they were counted.');
    return found;
  }

  private async together(commands: ReturnType<Redis['pipeline']>): Promise<unknown[]> {
    const replies = await within(PATIENCE_MS, 'Following the totals', commands.exec());
    if (replies === null) throw new StoreUnavailableError('Redis gave no answer to a pipeline.');
    return replies.map(([error, reply]) => {
      if (error !== null) throw error;
      return reply;
    });
  }
}

type StreamEntry = [id: string, fields: string[]];

function headOf(reply: unknown): TotalsHead {
  const [position, epoch, generation] = reply as (string | null)[];
  return { position: position ?? null, epoch: epoch ?? null, generation: generation ?? null };
}

function changeOf([, flat]: StreamEntry): TotalsChange {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!;
  return {
    from: fields['from'] ?? '',
    to: fields['to'] ?? '',
    generation: fields['generation'] ?? '',
    // Parsed when it is its turn: all of an answer at once would hold up the event loop.
    get values(): string[] {
      return JSON.parse(fields['values'] ?? '[]') as string[];
    },
  };
}
