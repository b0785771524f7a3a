import { parseMemberSetName, TotalsFeed, TotalsMovedError, type UnusableReason } from '@quipu/ledger';
import type { Redis } from 'ioredis';
import { TotalsFollower } from '../totals/totals-follower.js';
import { POINT_FAMILIES, type PointTotals } from './ledger-points.js';

/** Totals that points can be made of, or why there are none. */
export type PointTotalsAnswer = { readonly totals: PointTotals; readonly epoch: string } | UnusableReason;

/** How often a reading may meet totals that are just being swapped, or move on while it counts members. */
const MOST_ATTEMPTS = 10;
/** For how long, ms, it begins again because they moved on: a generation is taken on its ten, or it is late. */
const STRICT_MS = 1_000;

/**
 * The totals that points are made of, from Redis alone: what is there is true as far as the ledger has come, and stays
 * readable while Postgres is away. Amounts and members are of one position, so that a job is counted once; where they
 * never stand still, members may be of a later one.
 */
export class PointTotalsReader {
  private readonly feed: TotalsFeed;
  private readonly follower: TotalsFollower;

  /** @param strictMs for how long a reading begins again because the totals moved on while it counted members. */
  constructor(
    redis: Redis,
    private readonly strictMs = STRICT_MS,
  ) {
    this.feed = new TotalsFeed(redis);
    this.follower = new TotalsFollower(this.feed, POINT_FAMILIES);
  }

  /** Reads them. @param nowMs until when a waiting job counts as due, ms. @throws if Redis does not answer. */
  async read(nowMs: number): Promise<PointTotalsAnswer> {
    const until = performance.now() + this.strictMs;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const isStrict = attempt === 0 || (attempt < MOST_ATTEMPTS - 1 && performance.now() < until);
      const reason = await this.follower.sync();
      if (reason !== null) return reason;
      const { families, generation, epoch, position } = this.follower.copy!;
      const at = isStrict ? position : undefined;
      try {
        const waiting = await this.feed.members(generation, 'waiting', [nowMs + 1], at);
        return {
          epoch,
          totals: {
            family: (name) => families.family(name),
            waiting: waiting.map(({ name, ...counts }) => ({
              tenant: parseMemberSetName(name).tenant,
              ...counts,
            })),
          },
        };
      } catch (error) {
        if (!(error instanceof TotalsMovedError)) throw error;
      }
    }
    return 'torn';
  }
}
