import { amountField, canonicalLabels, within } from '@quipu/ledger';
import type { Redis } from 'ioredis';
import { MARKS_KEY, MOST_MARKS, raiseMarksScript } from './counter-marks-script.js';

/** Where marks are raised. */
export interface MarksMoment {
  /** Id of the log that is counted: marks of another one are void. Null: nobody knows, and they are left alone. */
  readonly log: string | null;
  /** ms. */
  readonly now: number;
  /** Whether Redis is known not to answer. */
  readonly isAway: boolean;
}

/** What has been shown of a total, and when (ms) its mark last gave way; 0: never. */
interface Mark {
  readonly value: bigint;
  readonly gaveWayMs: number;
  /** The {@link CounterMarks.revision} at which Redis held it; -1: it was not asked. */
  readonly sharedAt: number;
}

/** Totals of one script call: what it takes is well below a millisecond. */
const TOTALS_AT_ONCE = 200;
/** Totals looked at before the event loop gets a turn. */
const SLICE = 2_000;
/** Longest that a scrape waits for Redis, ms. */
const PATIENCE_MS = 2_000;
const NO_MARK: Mark = { value: 0n, gaveWayMs: 0, sharedAt: -1 };

/** What names a total among the marks. */
export function markKey(stored: string, tenant: string, labels: Readonly<Record<string, string>>): string {
  return amountField(stored, tenant, canonicalLabels(labels));
}

/**
 * The highest value that each counter which accrues has shown, whichever process has shown it. Time accrues by the clock,
 * and what ends it may be told late: the truth then lies below what was shown, and a counter that goes back looks like a
 * restart to whoever scrapes it. So the highest value stands until the truth is beyond it. Kept per total of a tenant,
 * whoever has seen it: a sum of totals that never go back does not either.
 *
 * Marks are kept in Redis beside the totals, so that they hold between processes and over restarts, and in this process,
 * for as long as Redis is away. They are those of one log, whatever generation of the ledger counts it: in another one
 * (a restored one) other things have happened. A mark that stood above twice the truth for an hour gives way: that was
 * no lateness, but an import that was looked at half-way or a clock that was wrong, and standing still would hide more
 * than going back does.
 */
export class CounterMarks {
  private readonly marks = new Map<string, Mark>();
  private noted = new Map<string, bigint>();
  private log: string | null = null;
  /** `@writes` after the last call of this process; null before the first. */
  private writes: number | null = null;
  private asking: Promise<void> | null = null;
  /** Whether no other process raised marks when this one last did. */
  private alone = false;
  private seen = 0;
  private gaveWay = 0;

  /**
   * @param redis null: marks are those of this process alone
   * @param patienceMs longest that Redis is waited for
   */
  constructor(
    private readonly redis: Redis | null,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** Rises when what this process knew of the marks turned out not to be all: another has raised some, or Redis was away. */
  get revision(): number {
    return this.seen;
  }

  /** Rises when a mark has given way. */
  get resets(): number {
    return this.gaveWay;
  }

  /** Notes what a total comes to now, for the next {@link exchange}. */
  note(key: string, truth: bigint): void {
    if (this.redis !== null) this.noted.set(key, truth > 0n ? truth : 0n);
  }

  /**
   * Raises the marks of all totals that were noted, and learns those that stand higher: one round trip. Without an
   * answer marks are what this process knows.
   */
  async exchange({ log, now, isAway }: MarksMoment): Promise<void> {
    const { noted } = this;
    this.noted = new Map();
    if (log === null) return;
    if (log !== this.log) {
      this.marks.clear();
      this.writes = null;
      this.log = log;
    }
    if (noted.size === 0) return;
    if (!this.answers(isAway)) {
      this.seen += 1;
      return;
    }
    this.asking = this.raiseAll(log, now, noted).finally(() => (this.asking = null));
    await within(this.patienceMs, 'Raising marks', this.asking).catch(() => {
      this.seen += 1;
    });
  }

  /**
   * As long as no other process raises marks, those are left out that are what they were: most tenants rest. Where
   * another does, all are told at once; only when it begins to, those follow that were left out.
   */
  private async raiseAll(log: string, now: number, noted: ReadonlyMap<string, bigint>): Promise<void> {
    const before = this.seen;
    const moved: [string, bigint][] = [];
    const resting: [string, bigint][] = [];
    let looked = 0;
    for (const total of noted) {
      (this.alone && this.rests(...total) ? resting : moved).push(total);
      if ((looked += 1) % SLICE === 0) await breathe();
    }
    // Somebody has to be told of, to hear whether another has raised marks.
    if (moved.length === 0) moved.push(resting.pop()!);
    await this.raiseSlices(log, now, moved);
    this.alone = this.seen === before;
    if (!this.alone) await this.raiseSlices(log, now, resting);
  }

  /** Whether the mark in Redis is what the total comes to, as far as this process knows of all that raised marks. */
  private rests(key: string, truth: bigint): boolean {
    const known = this.marks.get(key);
    return known !== undefined && known.sharedAt === this.seen && known.value === truth;
  }

  private async raiseSlices(log: string, now: number, totals: readonly [string, bigint][]): Promise<void> {
    const calls: Promise<void>[] = [];
    for (let i = 0; i < totals.length; i += TOTALS_AT_ONCE) {
      // One that fails leaves the answers of the others good.
      const call = this.raiseShared(log, now, totals.slice(i, i + TOTALS_AT_ONCE)).catch(() => {
        this.seen += 1;
      });
      calls.push(call);
      await breathe();
    }
    await Promise.all(calls);
  }

  /**
   * Whether another process has raised marks since the last {@link exchange}: what was made of them then may be less than
   * that process has shown. Without an answer nobody can say, and it is false.
   */
  async moved(isAway: boolean): Promise<boolean> {
    if (!this.answers(isAway)) return false;
    try {
      const writes = await within(
        this.patienceMs,
        'Looking at marks',
        this.redis!.hget(MARKS_KEY, '@writes'),
      );
      return Number(writes ?? 0) !== this.writes;
    } catch {
      return false;
    }
  }

  /** The value to show for a total; at least 0. What it shows is a mark from now on. */
  raise(key: string, truth: bigint): bigint {
    const { value, gaveWayMs } = this.marks.get(key) ?? NO_MARK;
    if (truth <= value) return value;
    this.keep(key, { value: truth, gaveWayMs, sharedAt: -1 });
    return truth;
  }

  /** When (ms) the mark of a total last gave way; 0: never. */
  gaveWayMs(key: string): number {
    return this.marks.get(key)?.gaveWayMs ?? 0;
  }

  private answers(isAway: boolean): boolean {
    // One call that hangs is waited for once, not by every scrape.
    return this.redis !== null && !isAway && this.redis.status === 'ready' && this.asking === null;
  }

  private async raiseShared(log: string, now: number, totals: readonly [string, bigint][]): Promise<void> {
    const args: string[] = [log, String(now)];
    for (const [key, truth] of totals) {
      const { value, gaveWayMs } = this.marks.get(key) ?? NO_MARK;
      args.push(
        key,
        String(truth),
        value > truth ? String(value) : '',
        gaveWayMs > 0 ? String(gaveWayMs) : '',
      );
    }
    const [writes, wrote, ...found] = (await raiseMarksScript.run(
      this.redis!,
      [MARKS_KEY],
      args,
    )) as string[];
    // Marks of another log were cleared, and are not to come back by a late answer.
    if (log !== this.log) return;
    const expected = this.writes === null ? null : this.writes + Number(wrote);
    if (expected !== Number(writes)) this.seen += 1;
    this.writes = Number(writes);
    let next = 0;
    for (const [i, [key, truth]] of totals.entries()) {
      if (found[next] === String(i)) {
        this.learn(key, BigInt(found[next + 1]!), Number(found[next + 2]!));
        next += 3;
      } else this.learn(key, truth, 0);
    }
  }

  private learn(key: string, value: bigint, gaveWayMs: number): void {
    const known = this.marks.get(key) ?? NO_MARK;
    if (gaveWayMs < known.gaveWayMs) return;
    if (gaveWayMs === known.gaveWayMs && value < known.value) return;
    if (gaveWayMs > known.gaveWayMs) this.gaveWay += 1;
    this.keep(key, { value, gaveWayMs, sharedAt: this.seen });
  }

  private keep(key: string, mark: Mark): void {
    if (this.marks.size < MOST_MARKS || this.marks.has(key)) this.marks.set(key, mark);
  }
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
