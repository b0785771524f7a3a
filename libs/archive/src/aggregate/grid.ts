import type { Instant, Points } from '../measures/points.js';

const SECOND_NS = 1_000_000_000n;

/**
 * Buckets of one granularity, counted from the Unix epoch: bucket `k` begins at `k` times the granularity. Keys are
 * doubles and exact, which is why granularities have a least.
 */
export class Grid {
  /** Granularity in whole seconds; 0 if it is not whole. */
  private readonly wholeSeconds: number;
  /** Buckets in a second, where a second holds a whole number of them; else 0. */
  private readonly perSecond: number;
  private readonly nanosPerBucket: number;

  constructor(readonly granularityNs: bigint) {
    this.wholeSeconds = granularityNs % SECOND_NS === 0n ? Number(granularityNs / SECOND_NS) : 0;
    this.perSecond = SECOND_NS % granularityNs === 0n ? Number(SECOND_NS / granularityNs) : 0;
    this.nanosPerBucket = Number(granularityNs);
  }

  /** The bucket that an instant is in. */
  keyOf(seconds: number, nanos: number): number {
    if (this.wholeSeconds > 0) return (seconds - (seconds % this.wholeSeconds)) / this.wholeSeconds;
    if (this.perSecond > 0) return seconds * this.perSecond + Math.floor(nanos / this.nanosPerBucket);
    return Number((BigInt(seconds) * SECOND_NS + BigInt(nanos)) / this.granularityNs);
  }

  /** The beginning of a bucket. */
  startOf(key: number): Instant {
    if (this.wholeSeconds > 0) return { seconds: key * this.wholeSeconds, nanos: 0 };
    const ns = BigInt(key) * this.granularityNs;
    return { seconds: Number(ns / SECOND_NS), nanos: Number(ns % SECOND_NS) };
  }

  /** The beginning of the bucket of an instant. */
  floor({ seconds, nanos }: Instant): Instant {
    return this.startOf(this.keyOf(seconds, nanos));
  }
}

/** An instant in nanoseconds. */
export function toNs({ seconds, nanos }: Instant): bigint {
  return BigInt(seconds) * SECOND_NS + BigInt(nanos);
}

/** The instant of nanoseconds since the epoch; before it, the epoch. */
export function fromNs(ns: bigint): Instant {
  if (ns <= 0n) return { seconds: 0, nanos: 0 };
  return { seconds: Number(ns / SECOND_NS), nanos: Number(ns % SECOND_NS) };
}

/** Whether `a` is before `b`. */
export function isBefore(a: Instant, b: Instant): boolean {
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos);
}

/** The instant of a point. */
export function instantAt({ seconds, nanos }: Points, index: number): Instant {
  return { seconds: seconds[index]!, nanos: nanos[index]! };
}
