/** A partial sum is moved into the BigInt beyond this, so that adding one more step stays a safe integer. */
const SPILL = 4_000_000_000_000_000;

/**
 * A sum of integers that is exact at any size and cheap at usual ones: additions run on numbers, and spill into
 * a BigInt before they could round.
 */
export class ExactSum {
  private small = 0;
  private big: bigint | null = null;

  /** Adds a safe integer. */
  add(value: number): void {
    if (value > SPILL || value < -SPILL) {
      this.big = (this.big ?? 0n) + BigInt(value);
      return;
    }
    this.small += value;
    if (this.small > SPILL || this.small < -SPILL) {
      this.big = (this.big ?? 0n) + BigInt(this.small);
      this.small = 0;
    }
  }

  /** Adds an integer of any size. */
  addBig(value: bigint): void {
    this.big = (this.big ?? 0n) + value;
  }

  /** Adds the product of two safe integers. */
  addProduct(a: number, b: number): void {
    const product = a * b;
    if (product > SPILL || product < -SPILL) this.big = (this.big ?? 0n) + BigInt(a) * BigInt(b);
    else this.add(product);
  }

  get isZero(): boolean {
    return this.big === null ? this.small === 0 : this.big + BigInt(this.small) === 0n;
  }

  /** The sum; a number while it never came near the limit of safe integers. */
  get value(): number | bigint {
    return this.big === null ? this.small : this.big + BigInt(this.small);
  }
}
