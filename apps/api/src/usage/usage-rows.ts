import { type Dimension, type EstimatedUsage } from '@quipu/read-models';
import { secondsText } from '../answers/seconds-text.js';

/** Usage of one group in one bucket, as it is written. */
export type WrittenUsage = {
  start: string;
  end: string;
  value: string;
  /** Some of it comes from intervals whose end is an estimate; how much. */
  estimated: boolean;
  estimatedValue: string;
} & Partial<Record<Dimension, string | null>>;

/** A row's place in the list: the start of its bucket (ms), then its group. */
export interface UsagePlace {
  readonly start: number;
  readonly group: readonly string[];
}

/** Rows of one page, and the place of the last one if more follow. */
export interface UsagePage {
  readonly rows: WrittenUsage[];
  readonly last: UsagePlace | null;
}

/**
 * The rows of an answer behind a place, ordered by bucket and group; at most `limit`. Groups appear in the buckets in
 * which they have usage; without a grouping every bucket has its row.
 */
export function usagePage(
  answer: EstimatedUsage,
  by: readonly Dimension[],
  after: UsagePlace | null,
  limit: number,
): UsagePage {
  if (answer.start === null) return { rows: [], last: null };
  const groups = answer.rows
    .map((row) => ({ row, group: by.map((dimension) => row.group[dimension] ?? '') }))
    .sort((a, b) => compareGroups(a.group, b.group));
  const rows: WrittenUsage[] = [];
  let last: UsagePlace | null = null;
  for (const [i, { start, end }] of answer.buckets.entries()) {
    if (after !== null && start < after.start) continue;
    const span = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
    for (const { row, group } of groups) {
      const value = row.values[i] ?? 0n;
      if (by.length > 0 && value === 0n) continue;
      if (after !== null && start === after.start && compareGroups(group, after.group) <= 0) continue;
      if (rows.length === limit) return { rows, last };
      const part = row.estimated[i] ?? 0n;
      const estimate = { estimated: part !== 0n, estimatedValue: secondsText(part) };
      rows.push({ ...span, ...row.group, value: secondsText(value), ...estimate });
      last = { start, group };
    }
  }
  return { rows, last: null };
}

function compareGroups(a: readonly string[], b: readonly string[]): number {
  for (const [i, text] of a.entries()) {
    const other = b[i] ?? '';
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}
