const FIRST_CAPACITY = 1_024;

/**
 * Rows that are summed by (group, time), in typed columns behind a hash index of their own. A batch touches tens of
 * thousands of rows; as objects in Maps they took half of the projection's time in the garbage collector.
 */
export abstract class GroupedRows {
  /** How many rows there are. */
  count = 0;
  /** What the row belongs to: a small non-negative integer that the owner composes. */
  group = new Int32Array(FIRST_CAPACITY);
  /** Instant or start of bucket, ms. */
  time = new Float64Array(FIRST_CAPACITY);
  /** Row + 1 per cell, 0 where free; at most half of the cells are taken. */
  private cells = new Int32Array(FIRST_CAPACITY * 2);

  /** Forgets all rows. */
  clear(): void {
    this.count = 0;
    this.cells.fill(0);
  }

  /** The row of a group and time, made when there is none. */
  rowOf(group: number, time: number): number {
    const { cells } = this;
    const mask = cells.length - 1;
    let cell = hash(group, time) & mask;
    for (let row = cells[cell]!; row !== 0; row = cells[cell]!) {
      if (this.group[row - 1] === group && this.time[row - 1] === time) return row - 1;
      cell = (cell + 1) & mask;
    }
    if (this.count === this.group.length) {
      this.grow(this.count * 2);
      return this.rowOf(group, time);
    }
    const row = this.count++;
    cells[cell] = row + 1;
    this.group[row] = group;
    this.time[row] = time;
    this.made(row);
    return row;
  }

  /** Called for every new row: its columns hold what a row of an earlier batch left there. */
  protected abstract made(row: number): void;

  protected grow(capacity: number): void {
    this.group = enlarged(new Int32Array(capacity), this.group);
    this.time = enlarged(new Float64Array(capacity), this.time);
    const cells = new Int32Array(capacity * 2);
    const mask = cells.length - 1;
    for (let row = 0; row < this.count; row++) {
      let cell = hash(this.group[row]!, this.time[row]!) & mask;
      while (cells[cell] !== 0) cell = (cell + 1) & mask;
      cells[cell] = row + 1;
    }
    this.cells = cells;
  }
}

/** Rows of level changes. */
export class ChangeRows extends GroupedRows {
  /** Σ d; a safe integer. */
  d = new Float64Array(this.time.length);
  /** How many changes were added, less those taken back. */
  n = new Float64Array(this.time.length);

  protected override made(row: number): void {
    this.d[row] = 0;
    this.n[row] = 0;
  }

  protected override grow(capacity: number): void {
    super.grow(capacity);
    this.d = enlarged(new Float64Array(capacity), this.d);
    this.n = enlarged(new Float64Array(capacity), this.n);
  }
}

/** A column with more room. */
export function enlarged<T extends Int32Array | Float64Array>(into: T, from: T): T {
  into.set(from);
  return into;
}

function hash(group: number, time: number): number {
  // Times are beyond 32 bits: `| 0` keeps their low half, the division the rest.
  const high = (time / 4_294_967_296) | 0;
  let mixed = Math.imul(group + 1, 0x9e3779b1) ^ Math.imul((time | 0) + high, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
