import type { Bucket } from './request-throttle.js';

/** Buckets remembered; above it those that are full again are forgotten, and if need be all. */
const MAX_BUCKETS = 10_000;

/** The buckets of this process alone, for as long as Redis is away. */
export class LocalBuckets {
  /** Per bucket, when it will be full again, ms. */
  private readonly full = new Map<string, number>();

  /** @param burstMs how far ahead a bucket may lie. */
  constructor(private readonly burstMs: number) {}

  /** Takes one request from all of the buckets and returns 0, or from none and returns the ms to wait. */
  take(buckets: readonly Bucket[], nowMs: number): number {
    const full = buckets.map(
      ({ key, perSecond }) => Math.max(this.full.get(key) ?? 0, nowMs) + 1000 / perSecond,
    );
    const wait = Math.max(0, ...full.map((at) => at - nowMs - this.burstMs));
    if (wait > 0) return Math.ceil(wait);
    if (this.full.size + buckets.length > MAX_BUCKETS) this.forget(nowMs);
    buckets.forEach(({ key }, i) => this.full.set(key, full[i]!));
    return 0;
  }

  private forget(nowMs: number): void {
    for (const [key, at] of this.full) if (at <= nowMs) this.full.delete(key);
    if (this.full.size > MAX_BUCKETS / 2) this.full.clear();
  }
}
