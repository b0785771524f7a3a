import { PLACES } from './level-places.js';
import { enlarged, GroupedRows } from './grouped-rows.js';

/** A partial sum is moved into a BigInt beyond this, so that adding one more step stays a safe integer. */
const SPILL = 4_000_000_000_000_000;

/**
 * Rows of level sums, each of a few levels side by side: a _place_ is `row · PLACES + place of the level`. Weighted sums
 * are exact at any size.
 */
export class SumRows extends GroupedRows {
  /** Σ d by place; a safe integer. */
  d = new Float64Array(this.time.length * PLACES);
  /** By place, how many changes were added, less those taken back. */
  n = new Float64Array(this.time.length * PLACES);
  /** Latest change that was added, ms by place; -Infinity if none was. */
  added = new Float64Array(this.time.length * PLACES);
  /** Latest change that was taken back, ms by place; -Infinity if none was. */
  retracted = new Float64Array(this.time.length * PLACES);
  /** Σ d·(t − bucket), or for the few places that `large` knows the part of it that did not spill over. */
  small = new Float64Array(this.time.length * PLACES);
  /** What spilt over. */
  private readonly spilt = new Map<number, bigint>();

  override clear(): void {
    super.clear();
    this.spilt.clear();
  }

  /** Adds changes of net height `d` and net number `n` at `t`; the sign of `n` says whether they were added. */
  add(place: number, t: number, d: number, n: number): void {
    this.d[place] = this.d[place]! + d;
    this.n[place] = this.n[place]! + n;
    if (n > 0 && t > this.added[place]!) this.added[place] = t;
    if (n < 0 && t > this.retracted[place]!) this.retracted[place] = t;
    this.weigh(place, d, t - this.time[Math.floor(place / PLACES)]!);
  }

  /** Adds a place of other rows, whose bucket lies in the one of this place. */
  addPlace(place: number, other: SumRows, of: number): void {
    const d = other.d[of]!;
    this.d[place] = this.d[place]! + d;
    this.n[place] = this.n[place]! + other.n[of]!;
    if (other.added[of]! > this.added[place]!) this.added[place] = other.added[of]!;
    if (other.retracted[of]! > this.retracted[place]!) this.retracted[place] = other.retracted[of]!;
    const large = other.large(of);
    if (large === undefined) this.gather(place, other.small[of]!);
    else this.spill(place, large);
    this.weigh(place, d, other.time[Math.floor(of / PLACES)]! - this.time[Math.floor(place / PLACES)]!);
  }

  /** Σ d·(t − bucket) of a place that came near the limit of safe integers; undefined for all others. */
  large(place: number): bigint | undefined {
    if (this.spilt.size === 0) return undefined;
    const spilt = this.spilt.get(place);
    return spilt === undefined ? undefined : spilt + BigInt(this.small[place]!);
  }

  /**
   * Nothing was added to the place that a table would show. The latest change counts as well: taking back one change
   * and adding others may leave all three sums alike and still move it.
   */
  unchanged(place: number): boolean {
    const { d, n, small, added, retracted } = this;
    if (d[place] !== 0 || n[place] !== 0 || added[place] !== retracted[place]) return false;
    return Number(this.large(place) ?? small[place]) === 0;
  }

  protected override made(row: number): void {
    for (let place = row * PLACES; place < (row + 1) * PLACES; place++) {
      this.d[place] = 0;
      this.n[place] = 0;
      this.small[place] = 0;
      this.added[place] = -Infinity;
      this.retracted[place] = -Infinity;
    }
  }

  protected override grow(capacity: number): void {
    super.grow(capacity);
    const places = capacity * PLACES;
    this.d = enlarged(new Float64Array(places), this.d);
    this.n = enlarged(new Float64Array(places), this.n);
    this.small = enlarged(new Float64Array(places), this.small);
    this.added = enlarged(new Float64Array(places), this.added);
    this.retracted = enlarged(new Float64Array(places), this.retracted);
  }

  private weigh(place: number, d: number, after: number): void {
    const product = d * after;
    if (product > SPILL || product < -SPILL) this.spill(place, BigInt(d) * BigInt(after));
    else this.gather(place, product);
  }

  private gather(place: number, w: number): void {
    const sum = this.small[place]! + w;
    if (sum > SPILL || sum < -SPILL) {
      this.spill(place, BigInt(sum));
      this.small[place] = 0;
    } else this.small[place] = sum;
  }

  private spill(place: number, value: bigint): void {
    this.spilt.set(place, (this.spilt.get(place) ?? 0n) + value);
  }
}
