import { REFUSALS } from '@quipu/contracts';
import { within } from '@quipu/ledger';
import type { Clock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { DOOR_REFUSALS, type DoorReason } from './door-rules.js';

/** Why a request with events is refused as a whole, by the status of its answer. */
export const REQUEST_REFUSALS = {
  400: 'bad-request',
  403: 'forbidden',
  413: 'request-too-large',
  415: 'media-type',
} as const satisfies Record<number, string>;

/** What is counted: why an event was refused over HTTP, or a request. */
export type CountedReason = DoorReason | (typeof REQUEST_REFUSALS)[keyof typeof REQUEST_REFUSALS];

/** How often the door has refused something. */
export interface Refusals {
  /** By reason, those that never happened left out. */
  readonly counts: ReadonlyMap<CountedReason, bigint>;
  /** When counting began, ms. */
  readonly sinceMs: number;
}

/** One field per reason, and `@since`. */
const COUNTS_KEY = '{quipu}:http-refusals';
/** Longest that an answer waits until its refusals are counted, ms. */
const PATIENCE_MS = 2_000;

const REASONS: ReadonlySet<string> = new Set([
  ...Object.keys(REFUSALS),
  ...Object.keys(DOOR_REFUSALS),
  ...Object.values(REQUEST_REFUSALS),
]);

/**
 * Counts what is refused over HTTP, for all API processes together: in Redis, so that the counters outlive each of them.
 * The reasons are a closed list, and only those are counted who have a key that may report: nobody else can make it grow.
 */
export class RefusalCounts {
  /** What could not be counted yet. */
  private carried = new Map<CountedReason, number>();

  constructor(
    private readonly redis: Redis,
    private readonly clock: Clock,
  ) {}

  /** Counts refused events, each by its reason. Never throws; while Redis is away they are kept until it answers. */
  async count(reasons: Iterable<CountedReason>): Promise<void> {
    for (const reason of reasons) this.carried.set(reason, (this.carried.get(reason) ?? 0) + 1);
    await this.flush();
  }

  /** Counts a request that was refused as a whole, if its answer says that it was. Never throws. */
  async countRequest(status: number): Promise<void> {
    const reason = (REQUEST_REFUSALS as Readonly<Record<number, CountedReason | undefined>>)[status];
    if (reason !== undefined) await this.count([reason]);
  }

  /** What was counted; null if nothing ever was. @throws if Redis does not answer. */
  async read(): Promise<Refusals | null> {
    await this.flush();
    const fields = await this.redis.hgetall(COUNTS_KEY);
    const since = Number(fields['@since']);
    if (!Number.isSafeInteger(since)) return null;
    const counts = new Map<CountedReason, bigint>();
    for (const [reason, count] of Object.entries(fields)) {
      if (REASONS.has(reason) && /^\d+$/.test(count)) counts.set(reason as CountedReason, BigInt(count));
    }
    return { counts, sinceMs: since };
  }

  private async flush(): Promise<void> {
    if (this.carried.size === 0 || this.redis.status !== 'ready') return;
    const counted = this.carried;
    this.carried = new Map();
    const commands = this.redis.multi().hsetnx(COUNTS_KEY, '@since', this.clock.now());
    for (const [reason, count] of counted) commands.hincrby(COUNTS_KEY, reason, count);
    // Sent once: what is not acknowledged may have been counted, and is not counted again.
    await within(PATIENCE_MS, 'Counting refusals', commands.exec()).catch(() => undefined);
  }
}
