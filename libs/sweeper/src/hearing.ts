/** One look at the system that found everything able to hear. */
export interface GoodLook {
  /** The database's clock, ms. */
  readonly nowMs: number;
  /** This process's monotonic clock, ms. */
  readonly monotonicMs: number;
}

/** How far the two clocks may drift apart between two looks, ms. */
const CLOCK_TOLERANCE_MS = 2_000;

/**
 * Since when this system has been able to hear without a break. Only time in which a worker could have been heard counts
 * against it: what could not be said to a Redis that was away, or was said while nobody listened, is no silence.
 */
export class Hearing {
  private since: number | null = null;
  private last: GoodLook | null = null;

  /** @param longestGapMs time between two looks that leaves no room for an outage nobody noticed. */
  constructor(private readonly longestGapMs: number) {}

  /**
   * Everything is there. A look that comes too late (this process was stopped), or a database clock that was set,
   * begins anew: by a clock that jumped ahead, everybody would have been silent for as long.
   */
  good(look: GoodLook): void {
    const { last } = this;
    const passed = last === null ? Infinity : look.monotonicMs - last.monotonicMs;
    const told = last === null ? 0 : look.nowMs - last.nowMs;
    if (passed > this.longestGapMs || Math.abs(told - passed) > CLOCK_TOLERANCE_MS) this.since = look.nowMs;
    this.since ??= look.nowMs;
    this.last = look;
  }

  /** Something was away. */
  broken(): void {
    this.since = null;
    this.last = null;
  }

  /** By the database's clock, ms; null while something is away. */
  get sinceMs(): number | null {
    return this.since;
  }
}
