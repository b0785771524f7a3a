import {
  amountField,
  LEDGER_PROJECTION,
  type MemberSetCounts,
  parseMemberSetName,
  TotalsFeed,
  TotalsMovedError,
  type UnusableReason,
} from '@quipu/ledger';
import { QuipuError, withTransaction } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { LiveLedger } from '../live-ledger.js';
import { type AmountRow, amountsStatement, type MemberRow, membersStatement } from './totals-statements.js';
import { FamilySet, type TotalsFamily } from './totals-family.js';
import { TotalsFollower } from './totals-follower.js';

/** Members of one set, counted by score. */
export interface CountedMembers {
  readonly tenant: string;
  /** What the set is of, within its family and tenant: canonical JSON, as in amounts. */
  readonly labels: string;
  /** Members scored at or above each bound that was asked for. */
  readonly atLeast: readonly number[];
  readonly total: number;
  /** The lowest score, ms. */
  readonly lowest: number | null;
}

/** Every total of the ledger at one position. */
export interface Totals {
  readonly position: bigint;
  /** Another one where the ledger was counted anew: what was made of its totals holds no longer, wherever it stood. */
  readonly epoch?: string;
  readonly source: 'redis' | 'postgres';
  /** Why Redis could not answer; absent when it did. */
  readonly fallback?: UnusableReason | 'behind';
  /** The series of a family of amounts. */
  family(name: string): TotalsFamily;
  /** Counts the members of each set of a family. @param bounds scores, ms */
  members(family: string, bounds: readonly number[]): Promise<CountedMembers[]>;
}

/** Redis answered, and then no more. */
class RedisGoneError extends QuipuError {
  readonly code = 'redis-gone';
  readonly retryable = true;
}

/** How long the copy may take to get to where Postgres stood when it was asked, ms. */
const PATIENCE_MS = 500;
const POLL_MS = 10;
/** How often a reading may meet totals that are just being swapped, or move on while it counts members. */
const MOST_ATTEMPTS = 10;
/** For how long, ms, it begins again because they moved on: whoever scrapes does not wait for ever. */
const STRICT_MS = 1_000;
/** How often an idle copy takes in what changed, ms, and how long after its last use, ms, it stops. */
const FOLLOW_MS = 1_000;
const FOLLOW_FOR_MS = 600_000;
/** Rows that are taken in before the event loop gets a turn. */
const SLICE = 2_000;

/**
 * A copy of all running totals in this process. It follows the totals in Redis, so reading it costs what changed since
 * the last time and never a look at every series. While Redis cannot be used, every reading comes from Postgres.
 *
 * Readings take turns, and the copy does not change during one: what a reading sees is of one position.
 */
export class TotalsReplica {
  private readonly ledger: LiveLedger;
  private readonly feed: TotalsFeed | null;
  private readonly follower: TotalsFollower | null;
  private turn: Promise<unknown> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private lastUse = 0;
  private stopped = false;
  private away = false;

  /** @param strictMs for how long a reading begins again because the totals moved on while it counted members. */
  constructor(
    private readonly pool: Pool,
    redis: Redis | null,
    private readonly strictMs = STRICT_MS,
  ) {
    this.ledger = new LiveLedger(pool);
    this.feed = redis === null ? null : new TotalsFeed(redis);
    this.follower = this.feed === null ? null : new TotalsFollower(this.feed);
  }

  /** How often the copy was loaded as a whole. */
  get loads(): number {
    return this.follower?.loads ?? 0;
  }

  /**
   * Runs `work` on totals that stand at the ledger's checkpoint, or later, and do not change meanwhile.
   * It is run again when the totals are swapped or move on while it counts members, so let it count them first. Where
   * that does not end, members may be of a later position than amounts; or all is from Postgres, where totals are swapped.
   * @throws what `work` throws, and when Postgres is away.
   */
  use<T>(work: (totals: Totals) => Promise<T>): Promise<T> {
    this.follow();
    return this.inTurn(async () => {
      const until = performance.now() + this.strictMs;
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
        const strict = attempt === 0 || (attempt < MOST_ATTEMPTS - 1 && performance.now() < until);
        const usable = await this.fromRedis(strict);
        if (typeof usable !== 'object') return await this.fromPostgres(usable, work);
        try {
          return await work(usable);
        } catch (error) {
          if (!(error instanceof TotalsMovedError) && !(error instanceof RedisGoneError)) throw error;
        }
      }
      return await this.fromPostgres('torn', work);
    });
  }

  /** Ends the following. */
  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** A copy that was asked for keeps up for a while, so that the next reading has little to take in. */
  private follow(): void {
    this.lastUse = performance.now();
    if (this.timer !== null || this.follower === null || this.stopped) return;
    let busy = false;
    this.timer = setInterval(() => {
      if (performance.now() - this.lastUse > FOLLOW_FOR_MS && this.timer !== null) {
        clearInterval(this.timer);
        this.timer = null;
      } else if (!busy && this.feed?.connected === true && !this.away) {
        busy = true;
        void this.inTurn(async () => (this.away ? null : await this.follower!.sync()))
          .catch(() => this.leave())
          .finally(() => (busy = false));
      }
    }, FOLLOW_MS);
    this.timer.unref();
  }

  /**
   * Redis did not answer: until it does, nobody waits for it. It is asked once in a while, beside all readings, since
   * each of them would else wait until it gives up.
   */
  private leave(): void {
    if (this.away || this.feed === null) return;
    this.away = true;
    const { feed } = this;
    const ask = (): void => {
      const answered = (): void => {
        this.away = false;
      };
      const again = (): void => {
        if (this.stopped) return;
        setTimeout(ask, FOLLOW_MS).unref();
      };
      if (!feed.connected) again();
      else void feed.answers().then(answered, again);
    };
    ask();
  }

  /** @param strict whether members are counted at the position of the copy, or not at all */
  private async fromRedis(strict: boolean): Promise<Totals | UnusableReason | 'behind' | undefined> {
    const { feed, follower } = this;
    if (feed === null || follower === null) return undefined;
    const wanted = await this.checkpoint();
    if (wanted === null) return 'missing';
    if (!feed.connected || this.away) return 'unreachable';
    for (const deadline = performance.now() + PATIENCE_MS; ;) {
      const reason = await follower.sync().catch((): UnusableReason => {
        this.leave();
        return 'unreachable';
      });
      if (reason !== null) return reason;
      const copy = follower.copy!;
      if (copy.epoch !== wanted.epoch) return 'foreign';
      if (copy.position >= wanted.position) {
        const { families, position, epoch, generation } = copy;
        return {
          ...{ position, epoch },
          source: 'redis',
          family: (name) => families.family(name),
          members: async (family, bounds) => {
            const at = strict ? position : undefined;
            const found = await this.counted(() => feed.members(generation, family, bounds, at));
            return found.map(({ name, ...counts }) => {
              const { tenant, labels } = parseMemberSetName(name);
              return { tenant, labels, ...counts };
            });
          },
        };
      }
      // A batch is in Redis a moment after it is in Postgres; a projector killed between the two leaves it out.
      if (performance.now() > deadline) return 'behind';
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** @throws TotalsMovedError if the totals were swapped or moved on, RedisGoneError if there was no answer. */
  private async counted(count: () => Promise<MemberSetCounts[]>): Promise<MemberSetCounts[]> {
    try {
      return await count();
    } catch (error) {
      if (error instanceof TotalsMovedError) throw error;
      this.leave();
      throw new RedisGoneError('Redis went away while members were counted.', { cause: error });
    }
  }

  private async checkpoint(): Promise<{ position: bigint; epoch: string } | null> {
    const { rows } = await this.pool.query<{ position: string; epoch: string }>({
      name: 'totals-checkpoint',
      text: `SELECT p.position, e.epoch FROM projections p CROSS JOIN ledger_epoch e
              WHERE p.name = $1 AND p.status = 'live'`,
      values: [LEDGER_PROJECTION],
    });
    return rows[0] ? { position: BigInt(rows[0].position), epoch: rows[0].epoch } : null;
  }

  private fromPostgres<T>(
    reason: UnusableReason | 'behind' | undefined,
    work: (totals: Totals) => Promise<T>,
  ): Promise<T> {
    const options = { isolation: 'repeatable read', readOnly: true } as const;
    return withTransaction(
      this.pool,
      async (client) => {
        const { position, rows } = await this.ledger.read<Record<string, unknown> & AmountRow>(
          (schema) => amountsStatement(schema),
          client,
        );
        const head = await client.query<{ epoch: string }>('SELECT epoch FROM ledger_epoch');
        const families = new FamilySet();
        for (let i = 0; i < rows.length; i += 1) {
          const { family, tenant, labels, value } = rows[i]!;
          if (family !== null) families.set(amountField(family, tenant!, labels!), value!);
          if (i % SLICE === SLICE - 1) await breathe();
        }
        return await work({
          ...{ position, epoch: head.rows[0]!.epoch },
          source: 'postgres',
          ...(reason === undefined ? {} : { fallback: reason }),
          family: (name) => families.family(name),
          members: async (family, bounds) => {
            const found = await this.ledger.read<Record<string, unknown> & MemberRow>(
              (schema) => membersStatement(schema, family, bounds),
              client,
            );
            return found.rows
              .filter((row) => row.tenant !== null)
              .map((row) => ({
                tenant: row.tenant!,
                labels: row.labels!,
                atLeast: row.at_least!.map(Number),
                total: Number(row.total),
                lowest: Number(row.lowest),
              }));
          },
        });
      },
      options,
    );
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
