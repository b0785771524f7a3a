import { isRate, percentileOf, plainMethod } from '../policy/methods.js';
import { differences, type Groups } from './groups.js';

/** One value per bucket, by ascending key; buckets without a value are not there. */
export interface Column {
  readonly keys: Float64Array;
  readonly values: Float64Array;
}

/** No buckets. */
export const NO_BUCKETS: Column = { keys: new Float64Array(0), values: new Float64Array(0) };

/** A value of `values[from]` to `values[to - 1]`, at least one of them. */
type Reduction = (values: Float64Array, from: number, to: number) => number;

/**
 * Aggregates grouped points by any method. What several methods need (differences, values in order of size) is made
 * once. Sums go from left to right in doubles: the same points give the same bits, however they arrived.
 */
export class Aggregator {
  private sorted: Float64Array | null = null;
  private ofDifferences: Aggregator | null = null;
  private allKeys: Float64Array | null = null;

  constructor(private readonly groups: Groups) {}

  /** One value per group; groups that the method has no value for are left out. */
  column(method: string): Column {
    if (isRate(method)) {
      this.ofDifferences ??= new Aggregator(differences(this.groups));
      return this.ofDifferences.column(plainMethod(method));
    }
    const percentage = percentileOf(method);
    if (percentage !== null) return this.reduce(percentile(percentage), this.inOrder());
    if (method === 'median') return this.reduce(median, this.inOrder());
    if (method === 'std') return this.reduce(deviation, this.groups.values, 2);
    const reduction = REDUCTIONS[method];
    if (reduction === undefined) throw new RangeError(`There is no aggregation method ${method}.`);
    return this.reduce(reduction, this.groups.values);
  }

  /** Applies a reduction to the groups that have at least some values. */
  private reduce(reduction: Reduction, values: Float64Array, least = 1): Column {
    const { keys, starts, end } = this.groups;
    const reduced = new Float64Array(keys.length);
    const left: number[] = [];
    for (let group = 0; group < keys.length; group += 1) {
      const from = starts[group]!;
      const to = starts[group + 1] ?? end;
      if (to - from < least) continue;
      reduced[left.length] = reduction(values, from, to);
      left.push(keys[group]!);
    }
    if (left.length < keys.length) {
      return { keys: Float64Array.from(left), values: reduced.subarray(0, left.length) };
    }
    // One array of keys for all methods: thousands of small arrays a pass are most of what a pass costs.
    this.allKeys ??= Float64Array.from(keys);
    return { keys: this.allKeys, values: reduced };
  }

  /** The values, those of each group in order of size, NaN last. */
  private inOrder(): Float64Array {
    if (this.sorted !== null) return this.sorted;
    const { starts, end, values } = this.groups;
    const sorted = values.slice();
    for (const [group, from] of starts.entries()) sorted.subarray(from, starts[group + 1] ?? end).sort();
    this.sorted = sorted;
    return sorted;
  }
}

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  sum,
  mean: (values, from, to) => sum(values, from, to) / (to - from),
  count: (_, from, to) => to - from,
  first: (values, from) => values[from]!,
  last: (values, _, to) => values[to - 1]!,
  max: (values, from, to) => {
    let most = values[from]!;
    // Once NaN, always NaN: in order of size it comes last.
    for (let i = from + 1; i < to; i += 1)
      if (!(values[i]! <= most) && !Number.isNaN(most)) most = values[i]!;
    return most;
  },
  min: (values, from, to) => {
    let least = values[from]!;
    for (let i = from + 1; i < to; i += 1)
      if (!(values[i]! >= least) && !Number.isNaN(values[i]!)) least = values[i]!;
    return least;
  },
};

function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i += 1) total += values[i]!;
  return total;
}

/** The deviation of a sample: squares are divided by one less than there are values. */
function deviation(values: Float64Array, from: number, to: number): number {
  const mean = sum(values, from, to) / (to - from);
  let squares = 0;
  for (let i = from; i < to; i += 1) {
    const distance = values[i]! - mean;
    squares += distance * distance;
  }
  return Math.sqrt(squares / (to - from - 1));
}

function median(sorted: Float64Array, from: number, to: number): number {
  const middle = from + Math.floor((to - from) / 2);
  const below = (to - from) % 2 === 1 ? middle : middle - 1;
  return (sorted[below]! + sorted[middle]!) / 2;
}

/** Interpolates between the two values nearest to the rank. */
function percentile(percentage: number): Reduction {
  return (sorted, from, to) => {
    const rank = (to - from - 1) * (percentage / 100);
    const [floor, ceiling] = [Math.floor(rank), Math.ceil(rank)];
    const low = sorted[from + floor]!;
    if (floor === ceiling) return low;
    return low * (ceiling - rank) + sorted[from + ceiling]! * (rank - floor);
  };
}
