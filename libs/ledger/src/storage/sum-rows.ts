import { enlarged, GroupedRows } from './grouped-rows.js';

/** A partial sum is moved into a BigInt beyond this, so that adding one more step stays a safe integer. */
const SPILL = 4_000_000_000_000_000;

/** Rows of level sums: besides `d` and `n` the weighted sum, exact at any size, and what happened to the latest change. */
export class SumRows extends GroupedRows {
  /** Latest change that was added, ms; -Infinity if none was. */
  added = new Float64Array(this.time.length);
  /** Latest change that was taken back, ms; -Infinity if none was. */
  retracted = new Float64Array(this.time.length);
  /** Σ d·(t − bucket), or for the few rows that `large` knows the part of it that did not spill over. */
  small = new Float64Array(this.time.length);
  /** What spilt over. */
  private readonly spilt = new Map<number, bigint>();

  override clear(): void {
    super.clear();
    this.spilt.clear();
  }

  /** Adds changes of net height `d` and net number `n` at `t`. */
  add(row: number, t: number, d: number, n: number): void {
    this.d[row] = this.d[row]! + d;
    this.n[row] = this.n[row]! + n;
    const after = t - this.time[row]!;
    const product = d * after;
    if (product > SPILL || product < -SPILL) {
      this.spill(row, BigInt(d) * BigInt(after));
      return;
    }
    const sum = this.small[row]! + product;
    if (sum > SPILL || sum < -SPILL) {
      this.spill(row, BigInt(sum));
      this.small[row] = 0;
    } else this.small[row] = sum;
  }

  /** Σ d·(t − bucket) of a row that came near the limit of safe integers; undefined for all others. */
  large(row: number): bigint | undefined {
    if (this.spilt.size === 0) return undefined;
    const spilt = this.spilt.get(row);
    return spilt === undefined ? undefined : spilt + BigInt(this.small[row]!);
  }

  protected override made(row: number): void {
    this.small[row] = 0;
    this.added[row] = -Infinity;
    this.retracted[row] = -Infinity;
  }

  protected override grow(capacity: number): void {
    super.grow(capacity);
    this.small = enlarged(new Float64Array(capacity), this.small);
    this.added = enlarged(new Float64Array(capacity), this.added);
    this.retracted = enlarged(new Float64Array(capacity), this.retracted);
  }

  private spill(row: number, value: bigint): void {
    this.spilt.set(row, (this.spilt.get(row) ?? 0n) + value);
  }
}
