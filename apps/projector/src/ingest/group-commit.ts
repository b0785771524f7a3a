import { setTimeout as delay } from 'node:timers/promises';

/** What became of an item: `returned` means it was not committed and must go back where it came from. */
export type Settled = 'committed' | 'returned';

/** What a group commit may be told about an item. */
export interface Weight {
  /** Events in the item. */
  events: number;
  /** Rough size in bytes. */
  bytes: number;
}

/** How a group commit reaches the world. */
export interface GroupCommitHooks<T> {
  /** Commits all of `items` or throws; what was committed before may be committed again. */
  commit(items: readonly T[]): Promise<void>;
  /** Resolves if a commit may succeed again. */
  probe(): Promise<void>;
  /** The first failure of an outage: let no more items come. */
  onOutage(error: unknown): void;
  /** Worth a try: let one item come. */
  onTrial(): void;
  /** Committed again: let them all come. */
  onRecovery(outageMs: number): void;
}

/** Times in ms and sizes; defaults in {@link DEFAULT_GROUP_LIMITS}. */
export interface GroupLimits {
  maxEvents: number;
  maxBytes: number;
  /** How long items are held and tried again before they are returned. */
  holdMs: number;
  /** First and longest pause between two attempts. */
  firstBackOffMs: number;
  longestBackOffMs: number;
}

/** Large enough that a commit's fixed cost vanishes, small enough that nobody waits long for the log. */
export const DEFAULT_GROUP_LIMITS: GroupLimits = {
  maxEvents: 2_000,
  maxBytes: 16 << 20,
  holdMs: 2_000,
  firstBackOffMs: 50,
  longestBackOffMs: 5_000,
};

interface Waiting<T> {
  item: T;
  weight: Weight;
  settle: (settled: Settled) => void;
}

/**
 * Commits what many callers add in as few commits as possible, one at a time: while one is under way the
 * next group gathers, so that groups grow with the load and an idle system commits at once.
 *
 * States: `flowing` → a commit fails → `holding`: the items are kept and tried again with growing pauses →
 * success → `flowing`; or, after `holdMs`, everything is returned → `resting`: what still comes is returned
 * at once, until a probe succeeds → `trial`: one item is let come → committed → `flowing`, or it fails →
 * returned → `resting`, with a longer pause. `stopping` never holds: what fails is returned.
 */
export class GroupCommit<T> {
  private readonly limits: GroupLimits;
  private waiting: Waiting<T>[] = [];
  private running: Promise<void> | null = null;
  private resting = false;
  private trial = false;
  private stopped = new AbortController();
  private failures = 0;
  private outageSince: number | null = null;

  constructor(
    private readonly hooks: GroupCommitHooks<T>,
    limits: Partial<GroupLimits> = {},
  ) {
    this.limits = { ...DEFAULT_GROUP_LIMITS, ...limits };
  }

  /** Resolves when the item is durable, or has to be returned. Never rejects. */
  add(item: T, weight: Weight): Promise<Settled> {
    if (this.resting) return Promise.resolve('returned');
    return new Promise((settle) => {
      this.waiting.push({ item, weight, settle });
      this.running ??= this.run();
    });
  }

  /** From now on failures return their items at once. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      // What one read of the socket brings arrives in one turn of the event loop: it goes together.
      await new Promise(setImmediate);
      const group = this.take();
      if (await this.tryCommit(group)) for (const { settle } of group) settle('committed');
      else this.giveBack(group);
    }
    this.running = null;
  }

  private take(): Waiting<T>[] {
    const { maxEvents, maxBytes } = this.limits;
    let [events, bytes, end] = [0, 0, 0];
    for (const { weight } of this.waiting) {
      if (end > 0 && (events + weight.events > maxEvents || bytes + weight.bytes > maxBytes)) break;
      events += weight.events;
      bytes += weight.bytes;
      end += 1;
    }
    return this.waiting.splice(0, end);
  }

  private async tryCommit(group: readonly Waiting<T>[]): Promise<boolean> {
    const items = group.map(({ item }) => item);
    for (;;) {
      try {
        await this.hooks.commit(items);
        this.recover();
        return true;
      } catch (error) {
        const held = this.outageSince === null ? 0 : performance.now() - this.outageSince;
        this.outageSince ??= performance.now();
        if (this.failures === 0 || this.trial) this.hooks.onOutage(error);
        this.failures += 1;
        if (this.trial || this.stopped.signal.aborted || held > this.limits.holdMs) return false;
        await this.pause();
      }
    }
  }

  private recover(): void {
    if (this.outageSince === null) return;
    const outageMs = performance.now() - this.outageSince;
    this.outageSince = null;
    this.failures = 0;
    this.trial = false;
    this.hooks.onRecovery(outageMs);
  }

  private giveBack(group: readonly Waiting<T>[]): void {
    const returned = [...group, ...this.waiting.splice(0)];
    this.trial = false;
    if (!this.resting && !this.stopped.signal.aborted) {
      this.resting = true;
      void this.rest();
    }
    for (const { settle } of returned) settle('returned');
  }

  private async rest(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      await this.pause();
      try {
        await this.hooks.probe();
        break;
      } catch {
        this.failures += 1;
      }
    }
    if (this.stopped.signal.aborted) return;
    this.resting = false;
    this.trial = true;
    this.hooks.onTrial();
  }

  private async pause(): Promise<void> {
    const { firstBackOffMs, longestBackOffMs } = this.limits;
    const ms = Math.min(firstBackOffMs * 2 ** Math.min(this.failures - 1, 20), longestBackOffMs);
    await delay(ms, undefined, { signal: this.stopped.signal, ref: false }).catch(() => undefined);
  }
}
