import { type IoSteps, type Logger, errorMessage, noIoSteps } from '@quipu/platform';
import { type CommittedAt } from '@quipu/projection-engine';
import { type Redis } from 'ioredis';
import { type Pool } from 'pg';
import { type TotalsMirror } from '../projection/ledger-projection.js';
import { applyScript, type ApplyOutcome } from './apply-script.js';
import { loadTotals } from './load-totals.js';
import { type TotalsDelta } from './totals-delta.js';
import { amountField, CHANGES_KEY, memberSetName, MEMBERS_PREFIX, TORN, TOTALS_KEY } from './totals-keys.js';
import { within } from './within.js';

/** What a {@link TotalsWriter} needs. */
export interface TotalsWriterOptions {
  /** Should fail fast while Redis is away (`createRedis(url, 'producer')`). */
  readonly redis: Redis;
  /** Snapshots for reloads are read from here. */
  readonly pool: Pool;
  readonly logger: Logger;
  readonly io?: IoSteps;
}

/** How the mirror is doing, for health. */
export interface TotalsState {
  readonly status: 'ok' | 'down';
  readonly lastError: string | null;
  /** How often the totals were loaded anew. */
  readonly reloads: number;
}

/** More deltas than this cost a script longer than other clients should wait; a reload is chunked. */
const MOST_DELTAS = 10_000;
/** Deltas kept while a reload runs; beyond, another reload is cheaper than the memory. */
const MOST_WAITING_DELTAS = 100_000;
/** How long the projection waits for its mirror. */
const PATIENCE_MS = 2_000;
const COMMAND_TIMEOUT_MS = 5_000;
/** How long the first connection may take before Redis counts as away. */
const CONNECT_MS = 500;
/** Pause between attempts while Redis is away, and between checks while nothing happens. */
const CHECK_MS = 1_000;
/** Reloads in one go; after that something is wrong that the next second may cure. */
const MOST_RELOADS = 3;

interface Waiting {
  readonly delta: TotalsDelta;
  readonly at: CommittedAt;
}

/**
 * Mirrors committed batches to Redis. The position in Redis is the truth about what Redis holds: nothing is
 * remembered here that a crash could lose, and whatever goes wrong shows as a position, epoch or mark that does not
 * fit, which a reload heals.
 *
 * Batches are applied in order by one pump. While a reload runs, the batches committed meanwhile wait for it, so a
 * busy projection does not make reloads chase each other. While Redis is away they are dropped.
 */
export class TotalsWriter implements TotalsMirror {
  private readonly io: IoSteps;
  private waiting: Waiting[] = [];
  private waitingDeltas = 0;
  private reloadWanted = false;
  private pumping: Promise<void> | null = null;
  private downUntil = 0;
  private nextCheck = 0;
  private lastError: string | null = null;
  private reloads = 0;
  private connecting: Promise<void> | null = null;

  constructor(private readonly options: TotalsWriterOptions) {
    this.io = options.io ?? noIoSteps;
  }

  /** How the mirror is doing. */
  state(): TotalsState {
    return {
      status: this.lastError === null ? 'ok' : 'down',
      lastError: this.lastError,
      reloads: this.reloads,
    };
  }

  async committed(delta: TotalsDelta, at: CommittedAt): Promise<void> {
    if (performance.now() < this.downUntil) return;
    const size = delta.amounts.length + delta.members.length;
    if (size > MOST_DELTAS || this.waitingDeltas + size > MOST_WAITING_DELTAS) this.wantReload();
    else {
      this.waiting.push({ delta, at });
      this.waitingDeltas += size;
    }
    await this.pumpPatiently();
  }

  async idle(at: { position: bigint; epoch: string }): Promise<void> {
    const now = performance.now();
    if (this.pumping !== null || now < this.downUntil || now < this.nextCheck) return;
    this.nextCheck = now + CHECK_MS;
    try {
      if (!(await this.stands(at))) this.wantReload();
    } catch (error) {
      this.fail(error);
      return;
    }
    await this.pumpPatiently();
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await this.pumping;
  }

  private wantReload(): void {
    this.waiting = [];
    this.waitingDeltas = 0;
    this.reloadWanted = true;
  }

  /** The projection goes on after a while, whatever Redis does; the pump goes on, too. */
  private async pumpPatiently(): Promise<void> {
    this.pumping ??= this.pump().finally(() => (this.pumping = null));
    await within(PATIENCE_MS, 'Mirroring totals', this.pumping).catch(() => undefined);
  }

  private async pump(): Promise<void> {
    let reloads = 0;
    try {
      await (this.connecting ??= firstConnection(this.options.redis));
      for (;;) {
        if (this.reloadWanted) {
          if (++reloads > MOST_RELOADS) throw new Error('reloaded totals do not fit the checkpoint');
          await this.reload();
        }
        const next = this.waiting.shift();
        if (next === undefined) break;
        this.waitingDeltas -= next.delta.amounts.length + next.delta.members.length;
        if ((await this.apply(next)) === 'reload') this.reloadWanted = true;
      }
      if (this.lastError !== null) this.options.logger.info('totals in Redis are up to date again');
      this.lastError = null;
    } catch (error) {
      this.fail(error);
    }
  }

  private async apply({ delta, at }: Waiting): Promise<ApplyOutcome> {
    const args: (string | number)[] = [at.epoch, String(at.from), String(at.to), delta.amounts.length];
    for (const { family, tenant, labels, sum } of delta.amounts) {
      args.push(amountField(family, tenant, labels), String(sum.value));
    }
    for (const { family, tenant, labels, member, after } of delta.members) {
      args.push(memberSetName(family, tenant, labels), member, after === null ? '' : String(after));
    }
    await this.io.step('totals.apply:before');
    const run = applyScript.run(this.options.redis, [TOTALS_KEY, MEMBERS_PREFIX, CHANGES_KEY], args);
    let outcome: ApplyOutcome;
    try {
      outcome = (await within(COMMAND_TIMEOUT_MS, 'Applying a batch to the totals', run)) as ApplyOutcome;
    } catch (error) {
      // An answer of Redis itself: the script failed half-way and left its mark, which a reload heals at once.
      if (!isReply(error)) throw error;
      this.options.logger.warn({ err: error }, 'applying a batch to the totals failed, loading them anew');
      return 'reload';
    }
    await this.io.step('totals.apply:after');
    return outcome;
  }

  private async reload(): Promise<void> {
    const { redis, pool } = this.options;
    const at = await loadTotals({ redis, pool, io: this.io });
    this.reloadWanted = false;
    this.reloads += 1;
    this.waiting = this.waiting.filter((next) => next.at.to > at.position && next.at.epoch === at.epoch);
    this.waitingDeltas = this.waiting.reduce(
      (sum, { delta }) => sum + delta.amounts.length + delta.members.length,
      0,
    );
  }

  /** Whether Redis holds the totals of this position; ahead of it is right as well, the projection will follow. */
  private async stands(at: { position: bigint; epoch: string }): Promise<boolean> {
    const read = this.options.redis.hmget(TOTALS_KEY, '@position', '@epoch', '@generation');
    const [position, epoch, generation] = await within(COMMAND_TIMEOUT_MS, 'Checking the totals', read);
    if (!position || !generation || position === TORN || epoch !== at.epoch) return false;
    return BigInt(position) >= at.position;
  }

  private fail(error: unknown): void {
    if (this.lastError === null)
      this.options.logger.warn({ err: error }, 'totals in Redis cannot be kept up to date');
    this.lastError = errorMessage(error);
    this.downUntil = performance.now() + CHECK_MS;
    this.waiting = [];
    this.waitingDeltas = 0;
    this.reloadWanted = false;
  }
}

/** A connection that fails fast refuses commands until it stands for the first time: that is not an outage yet. */
function firstConnection(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  return within(CONNECT_MS, 'Connecting to Redis', ready).catch(() => undefined);
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
