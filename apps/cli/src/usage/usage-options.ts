import { UsageError } from '@quipu/platform';
import {
  type Dimension,
  DIMENSIONS,
  type EstimatedUsageQuery,
  type UsageFilters,
  type UsageLevel,
} from '@quipu/read-models';
import { parseTime } from '../support/times.js';

/** The sizes that `--bucket` takes. */
export const BUCKETS = ['quarter', 'hour', 'day', 'week', 'month', 'year'] as const;

/** The options as commander hands them over. */
export interface RawUsageOptions extends UsageFilters {
  readonly level: UsageLevel;
  readonly by?: string;
  readonly start?: string;
  readonly end?: string;
  readonly bucket?: (typeof BUCKETS)[number];
}

/** A question as the read model takes it, its tenant still as it was typed. */
export type CheckedUsageQuery = EstimatedUsageQuery & {
  readonly filters: UsageFilters;
  readonly groupBy: readonly Dimension[];
};

/**
 * Checks the options of `usage`.
 * @throws UsageError that says what is allowed.
 */
export function checkUsageOptions(raw: RawUsageOptions, nowMs: number): CheckedUsageQuery {
  const filters: UsageFilters = {};
  for (const name of [...DIMENSIONS, 'service'] as const) {
    const value = raw[name];
    if (value !== undefined) filters[name] = value;
  }
  return {
    level: raw.level,
    now: nowMs,
    filters,
    groupBy: parseGroupBy(raw.by),
    ...(raw.start === undefined ? {} : { start: parseTime(raw.start, nowMs) }),
    ...(raw.end === undefined ? {} : { end: parseTime(raw.end, nowMs) }),
    ...(raw.bucket === undefined ? {} : { bucket: raw.bucket }),
  };
}

function parseGroupBy(text: string | undefined): Dimension[] {
  if (text === undefined) return [];
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if ((DIMENSIONS as readonly string[]).includes(name)) continue;
    throw new UsageError(`--by ${name === '' ? text : name} is unknown.`, {
      hint: `It is one or more of ${DIMENSIONS.join(', ')}, separated by commas.`,
    });
  }
  return [...new Set(names)] as Dimension[];
}
