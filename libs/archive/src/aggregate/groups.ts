import type { Points } from '../measures/points.js';

/** What tells the group of a point: its bucket's number, or the beginning of its calendar period. */
export interface Grouping {
  keyOf(seconds: number, nanos: number): number;
}

/** Consecutive values in groups. */
export interface Groups {
  /** Key of each group, ascending. */
  readonly keys: readonly number[];
  /** Index of the first value of each group; the last group ends at `end`. */
  readonly starts: readonly number[];
  readonly end: number;
  readonly values: Float64Array;
}

/** Groups points (sorted by time) from an index on. */
export function groupPoints({ seconds, nanos, values }: Points, from: number, grouping: Grouping): Groups {
  const keys: number[] = [];
  const starts: number[] = [];
  let last = NaN;
  for (let i = from; i < values.length; i += 1) {
    const key = grouping.keyOf(seconds[i]!, nanos[i]!);
    if (key === last) continue;
    keys.push(key);
    starts.push(i);
    last = key;
  }
  return { keys, starts, end: values.length, values };
}

/**
 * The differences of consecutive points in the groups of their later ones. The first point of all has none, whatever
 * index the groups begin at.
 */
export function differences({ keys, starts, end, values }: Groups): Groups {
  const steps = new Float64Array(values.length);
  for (let i = Math.max(1, starts[0] ?? 0); i < values.length; i += 1) steps[i] = values[i]! - values[i - 1]!;
  if (starts[0] !== 0) return { keys, starts, end, values: steps };
  const alone = (starts[1] ?? end) === 1;
  return {
    keys: alone ? keys.slice(1) : keys,
    starts: alone ? starts.slice(1) : [1, ...starts.slice(1)],
    ...{ end, values: steps },
  };
}
