import { joinLabels, NO_LABELS } from './labels.js';
import { addValues, greaterValue, lesserValue } from './numbers.js';
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

/** What one series says that stands for several: their sum, or the greatest or least of them. */
export type FoldsTo = 'sum' | 'max' | 'min';

const FOLDS: Readonly<Record<FoldsTo, (a: Value, b: Value) => Value>> = {
  sum: addValues,
  max: greaterValue,
  min: lesserValue,
};

/**
 * Keeps the first `budget − 1` series and folds the others into one with the labels `other`; sums are exact. The given
 * order decides, so give them sorted: then the same series are kept at every scrape. A series that has these very
 * labels is folded too, wherever it stands: no labels come twice.
 */
export function foldSeries(
  series: readonly Series[],
  budget: number,
  other: LabelText,
  to: FoldsTo = 'sum',
): Folded<Series> {
  return fold(series, budget, other, (rest) => ({
    labels: other,
    value: rest.map(({ value }) => value).reduce(FOLDS[to]),
    ...earliest(rest),
  }));
}

/** The same for histograms: buckets and sums add up. */
export function foldHistograms(
  series: readonly HistogramSeries[],
  budget: number,
  other: LabelText,
): Folded<HistogramSeries> {
  return fold(series, budget, other, (rest) => {
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

function fold<S extends Labelled>(
  series: readonly S[],
  budget: number,
  other: LabelText,
  sum: (rest: readonly S[]) => S,
): Folded<S> {
  if (series.length <= budget) return { series: [...series], folded: 0 };
  const { kept, rest } = splitForFold(series, budget, other);
  return { series: [...kept, sum(rest)], folded: rest.length };
}

interface Labelled {
  readonly labels: LabelText;
  readonly labelsAfterLe?: LabelText;
}

/** The series that a budget leaves as they are, and those it folds: at least those that have the labels `other`. */
export function splitForFold<S extends Labelled>(
  series: readonly S[],
  budget: number,
  other: LabelText,
): { kept: S[]; rest: S[] } {
  const kept = series.slice(0, Math.max(0, budget - 1));
  const rest = series.slice(kept.length);
  const named = kept.findIndex(({ labels, labelsAfterLe = NO_LABELS }) =>
    labelsAfterLe === NO_LABELS ? labels === other : joinLabels(labels, labelsAfterLe) === other,
  );
  if (named >= 0) rest.push(...kept.splice(named, 1));
  return { kept, rest };
}

function earliest(rest: readonly { readonly created?: Value | undefined }[]): { created?: Value } {
  let first: Value | undefined;
  for (const { created } of rest) {
    if (created !== undefined && (first === undefined || Number(created) < Number(first))) first = created;
  }
  return first === undefined ? {} : { created: first };
}
