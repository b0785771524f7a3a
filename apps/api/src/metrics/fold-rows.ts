import {
  foldHistograms,
  foldSeries,
  type FoldsTo,
  type HistogramSeries,
  type LabelText,
  type Series,
  splitForFold,
} from '@quipu/exposition';
import { breathe, SLICE } from './breathe.js';

/** What is left of a family under its budget, and how many of its rows are one now. */
export interface FoldedRows<R> {
  readonly rows: readonly R[];
  readonly cut: number;
}

/** Keeps the first rows and folds the others into one, as `foldSeries` does, letting the event loop turn. */
export function foldRows(
  rows: readonly Series[],
  budget: number,
  other: LabelText,
  to: FoldsTo = 'sum',
): Promise<FoldedRows<Series>> {
  return fold(rows, budget, other, (some) => foldSeries(some, 1, other, to).series[0]!);
}

/** The same for distributions. */
export function foldDistributions(
  rows: readonly HistogramSeries[],
  budget: number,
  other: LabelText,
): Promise<FoldedRows<HistogramSeries>> {
  return fold(rows, budget, other, (some) => foldHistograms(some, 1, other).series[0]!);
}

async function fold<R extends Series | HistogramSeries>(
  rows: readonly R[],
  budget: number,
  other: LabelText,
  sum: (some: readonly R[]) => R,
): Promise<FoldedRows<R>> {
  if (rows.length <= budget) return { rows, cut: 0 };
  const { kept, rest } = splitForFold(rows, budget, other);
  const sums: R[] = [];
  for (let i = 0; i < rest.length; i += SLICE) {
    sums.push(sum(rest.slice(i, i + SLICE)));
    await breathe();
  }
  return { rows: [...kept, sum(sums)], cut: rest.length };
}
