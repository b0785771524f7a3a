/** Where "now" comes from, in milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still until it is told otherwise; for tests. */
export class ManualClock implements Clock {
  constructor(private current: number) {}

  now(): number {
    return this.current;
  }

  /** Sets the time, in ms since the epoch. */
  set(ms: number): void {
    this.current = ms;
  }

  /** Moves the time on by `ms`. */
  advance(ms: number): void {
    this.current += ms;
  }
}
