import { addValues } from './numbers.js';
import { type HistogramSeries, type LabelText, type Series, type Value } from './types.js';

/** The label value of what a budget has folded together. */
export const OTHER = '__other__';

/** What is left of a family under its budget. */
export interface Folded<S> {
  /** At most `budget` series: the first of the given, and one that sums the rest. */
  readonly series: S[];
  /** How many series the last one stands for; 0 when nothing was folded. */
  readonly folded: number;
}

/**
 * Keeps the first `budget − 1` series and sums the others, exactly, into one with the labels `other`. The given
 * order decides, so give them sorted: then the same series are kept at every scrape.
 */
export function foldSeries(series: readonly Series[], budget: number, other: LabelText): Folded<Series> {
  return fold(series, budget, (rest) => ({
    labels: other,
    value: rest.reduce<Value>((sum, one) => addValues(sum, one.value), 0n),
    ...earliest(rest),
  }));
}

/** The same for histograms: buckets and sums add up. */
export function foldHistograms(
  series: readonly HistogramSeries[],
  budget: number,
  other: LabelText,
): Folded<HistogramSeries> {
  return fold(series, budget, (rest) => {
    const counts: Value[] = [];
    for (const one of rest) {
      for (const [i, count] of one.counts.entries()) counts[i] = addValues(counts[i] ?? 0n, count ?? 0n);
    }
    const sum = rest.some((one) => one.sum !== undefined)
      ? { sum: rest.reduce<Value>((total, one) => addValues(total, one.sum ?? 0n), 0n) }
      : {};
    return { labels: other, counts, ...sum, ...earliest(rest) };
  });
}

function fold<S>(series: readonly S[], budget: number, sum: (rest: readonly S[]) => S): Folded<S> {
  if (series.length <= budget) return { series: [...series], folded: 0 };
  const kept = series.slice(0, Math.max(0, budget - 1));
  const rest = series.slice(kept.length);
  kept.push(sum(rest));
  return { series: kept, folded: rest.length };
}

function earliest(rest: readonly { readonly created?: Value | undefined }[]): { created?: Value } {
  let first: Value | undefined;
  for (const { created } of rest) {
    if (created !== undefined && (first === undefined || Number(created) < Number(first))) first = created;
  }
  return first === undefined ? {} : { created: first };
}
