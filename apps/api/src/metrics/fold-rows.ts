import {
  foldHistograms,
  foldSeries,
  type HistogramSeries,
  type LabelText,
  type Series,
} from '@quipu/exposition';
import { breathe, SLICE } from './breathe.js';

/** What is left of a family under its budget, and how many of its rows are one now. */
export interface FoldedRows<R> {
  readonly rows: readonly R[];
  readonly cut: number;
}

/** Keeps the first rows and sums the others into one, as `foldSeries` does, letting the event loop turn. */
export function foldRows(
  rows: readonly Series[],
  budget: number,
  other: LabelText,
): Promise<FoldedRows<Series>> {
  return fold(rows, budget, (some) => foldSeries(some, 1, other).series[0]!);
}

/** The same for distributions. */
export function foldDistributions(
  rows: readonly HistogramSeries[],
  budget: number,
  other: LabelText,
): Promise<FoldedRows<HistogramSeries>> {
  return fold(rows, budget, (some) => foldHistograms(some, 1, other).series[0]!);
}

async function fold<R>(
  rows: readonly R[],
  budget: number,
  sum: (some: readonly R[]) => R,
): Promise<FoldedRows<R>> {
  if (rows.length <= budget) return { rows, cut: 0 };
  const kept = rows.slice(0, budget - 1);
  const sums: R[] = [];
  for (let i = kept.length; i < rows.length; i += SLICE) {
    sums.push(sum(rows.slice(i, i + SLICE)));
    await breathe();
  }
  return { rows: [...kept, sum(sums)], cut: rows.length - kept.length };
}
