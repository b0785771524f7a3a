import { type Column, NO_BUCKETS } from '../aggregate/aggregate.js';

/** The index of the first key that is not below another. */
export function firstKeyFrom(keys: Float64Array, key: number): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The buckets from a key (inclusive) to another (exclusive), without a copy. */
export function sliceColumn({ keys, values }: Column, from: number, to = Infinity): Column {
  const start = firstKeyFrom(keys, from);
  const end = to === Infinity ? keys.length : firstKeyFrom(keys, to);
  return { keys: keys.subarray(start, end), values: values.subarray(start, end) };
}

/** Columns one after the other; their keys must ascend over all of them. */
export function joinColumns(parts: readonly Column[]): Column {
  const filled = parts.filter(({ keys }) => keys.length > 0);
  if (filled.length === 0) return NO_BUCKETS;
  if (filled.length === 1) return filled[0]!;
  const length = filled.reduce((sum, { keys }) => sum + keys.length, 0);
  const joined = { keys: new Float64Array(length), values: new Float64Array(length) };
  let at = 0;
  for (const { keys, values } of filled) {
    joined.keys.set(keys, at);
    joined.values.set(values, at);
    at += keys.length;
  }
  return joined;
}

/**
 * Puts new buckets in the place of old ones from a key on, column by column. Columns of one granularity mostly have the
 * same keys: those are joined once.
 */
export class ColumnReplacer {
  private old: Float64Array | null = null;
  private fresh: Float64Array | null = null;
  private joined: Float64Array | null = null;

  constructor(private readonly from: number) {}

  /** The old buckets before the key, then the new ones. */
  replace(old: Column, fresh: Column): Column {
    const kept = firstKeyFrom(old.keys, this.from);
    if (kept === 0) return fresh;
    const values = new Float64Array(kept + fresh.values.length);
    values.set(kept === old.values.length ? old.values : old.values.subarray(0, kept));
    values.set(fresh.values, kept);
    if (this.joined === null || this.old !== old.keys || this.fresh !== fresh.keys) {
      this.joined = new Float64Array(values.length);
      this.joined.set(old.keys.subarray(0, kept));
      this.joined.set(fresh.keys, kept);
      [this.old, this.fresh] = [old.keys, fresh.keys];
    }
    return { keys: this.joined, values };
  }
}

/** What a series keeps when it may have so many buckets from its newest one back; null: all of them. */
export function retain(column: Column, points: number | null, newest: number): Column {
  const oldest = points === null ? -1 : newest - points + 1;
  return (column.keys[0] ?? oldest) >= oldest ? column : sliceColumn(column, oldest);
}
