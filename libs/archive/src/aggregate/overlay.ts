import type { Column } from './aggregate.js';

/**
 * What stands where a series has no value: a number; `null` leaves NaN; `dropna` leaves NaN and drops results that are
 * no finite numbers; `ffill` repeats the value before, `bfill` the one after, and drops the edge that is left;
 * `full_ffill` and `full_bfill` then fill that edge from the other side.
 */
export type Fill = number | 'null' | 'dropna' | 'ffill' | 'bfill' | 'full_ffill' | 'full_bfill';

/** Several series over the same buckets: one row of values per series, NaN where it has none. */
export interface Matrix {
  readonly keys: Float64Array;
  readonly rows: readonly Float64Array[];
}

/** How series are laid over each other. */
export interface OverlayOptions {
  /** Absent: only what overlaps counts. */
  readonly fill?: Fill | undefined;
  /** Percentage of buckets in which all series must have a value, where nothing is filled. */
  readonly neededOverlap: number;
  /** Whether the range was given at its start and end; an edge that was not is cut to where all series overlap. */
  readonly bounded: { readonly start: boolean; readonly end: boolean };
}

/** Too little of the series overlaps. */
export type OverlapRefusal =
  { readonly refused: 'no-overlap' } | { readonly refused: 'overlap'; readonly overlap: number };

/** Lays series of one granularity over each other, on the union of their buckets. */
export function overlay(columns: readonly Column[], options: OverlayOptions): Matrix | OverlapRefusal {
  const { fill } = options;
  const filler = typeof fill === 'number' ? fill : NaN;
  const matrix = onUnion(columns, filler);
  if (fill === undefined) return cutToOverlap(matrix, options);
  if (typeof fill === 'number' || fill === 'null' || fill === 'dropna') return matrix;
  const forward = fill === 'ffill' || fill === 'full_ffill';
  for (const row of matrix.rows) {
    carry(row, forward);
    if (fill.startsWith('full_')) carry(row, !forward);
  }
  return withoutGaps(matrix);
}

/** Series on the union of their buckets. */
export function onUnion(columns: readonly Column[], filler: number): Matrix {
  const keys = unionOf(columns);
  const rows = columns.map((column) => {
    const row = new Float64Array(keys.length).fill(filler);
    let at = 0;
    for (const [i, key] of column.keys.entries()) {
      while (keys[at] !== key) at += 1;
      row[at] = column.values[i]!;
    }
    return row;
  });
  return { keys, rows };
}

function unionOf(columns: readonly Column[]): Float64Array {
  const [first] = columns;
  // Series of one kind mostly have the same buckets.
  const same = columns.every(
    ({ keys }) => keys.length === first!.keys.length && keys.every((key, i) => key === first!.keys[i]),
  );
  if (same) return first?.keys ?? new Float64Array(0);
  const all = new Set<number>();
  for (const { keys } of columns) for (const key of keys) all.add(key);
  return Float64Array.from(all).sort();
}

function cutToOverlap(matrix: Matrix, { neededOverlap, bounded }: OverlayOptions): Matrix | OverlapRefusal {
  const complete: number[] = [];
  for (let i = 0; i < matrix.keys.length; i += 1) {
    if (matrix.rows.every((row) => !Number.isNaN(row[i]!))) complete.push(i);
  }
  if (complete.length === 0 && neededOverlap > 0) return { refused: 'no-overlap' };
  if (matrix.keys.length === 0) return matrix;
  const from = bounded.start ? 0 : (complete[0] ?? 0);
  const to = bounded.end ? matrix.keys.length : (complete.at(-1) ?? matrix.keys.length - 1) + 1;
  const overlap = (complete.length * 100) / (to - from);
  if (overlap < neededOverlap) return { refused: 'overlap', overlap };
  return { keys: matrix.keys.subarray(from, to), rows: matrix.rows.map((row) => row.subarray(from, to)) };
}

function carry(row: Float64Array, forward: boolean): void {
  let last = NaN;
  for (let n = 0; n < row.length; n += 1) {
    const i = forward ? n : row.length - 1 - n;
    if (Number.isNaN(row[i]!)) row[i] = last;
    else last = row[i]!;
  }
}

function withoutGaps({ keys, rows }: Matrix): Matrix {
  const kept = Array.from(keys.keys()).filter((i) => rows.every((row) => !Number.isNaN(row[i]!)));
  return {
    keys: Float64Array.from(kept, (i) => keys[i]!),
    rows: rows.map((row) => Float64Array.from(kept, (i) => row[i]!)),
  };
}
