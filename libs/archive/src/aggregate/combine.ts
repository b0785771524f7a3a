import { isRate, plainMethod } from '../policy/methods.js';
import type { Column } from './aggregate.js';
import type { Matrix } from './overlay.js';

/** A value of the numbers that series have in one bucket; NaN are left out before. */
type Combination = (values: number[]) => number;

const sum: Combination = (values) => values.reduce((total, value) => total + value, 0);
const mean: Combination = (values) => (values.length === 0 ? NaN : sum(values) / values.length);

/** Of the whole, not of a sample: squares are divided by how many there are. */
const variance: Combination = (values) => {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
};

const COMBINATIONS: Readonly<Record<string, Combination>> = {
  mean,
  sum,
  var: variance,
  std: (values) => Math.sqrt(variance(values)),
  count: (values) => values.length,
  min: (values) => (values.length === 0 ? NaN : values.reduce((least, value) => Math.min(least, value))),
  max: (values) => (values.length === 0 ? NaN : values.reduce((most, value) => Math.max(most, value))),
  median: (values) => {
    if (values.length === 0) return NaN;
    const sorted = values.toSorted((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length % 2 === 1) return sorted[middle]!;
    return (sorted[middle - 1]! + sorted[middle]!) / 2;
  },
};

/** Whether series can be combined by a method: those above, and the rate of each. */
export function isCombination(method: string): boolean {
  return Object.hasOwn(COMBINATIONS, plainMethod(method));
}

/**
 * Makes one series of several, bucket by bucket; values that are not there do not count. `rate:` gives the differences
 * of what that comes to, so the first bucket has none.
 */
export function combine({ keys, rows }: Matrix, method: string): Column {
  const combination = COMBINATIONS[plainMethod(method)]!;
  const values = new Float64Array(keys.length);
  for (let i = 0; i < keys.length; i += 1) {
    const present: number[] = [];
    for (const row of rows) {
      const value = row[i]!;
      if (!Number.isNaN(value)) present.push(value);
    }
    values[i] = combination(present);
  }
  if (!isRate(method)) return { keys, values };
  const steps = values.subarray(1).map((value, i) => value - values[i]!);
  return { keys: keys.subarray(1), values: steps };
}
