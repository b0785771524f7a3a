import { parseTime, UsageError } from '@quipu/platform';
import {
  DIMENSIONS,
  type Measure,
  MEASURE_NAMES,
  measureKind,
  type UsageFilters,
  type WhyQuery,
} from '@quipu/read-models';

/** The options as commander hands them over. */
export interface RawWhyOptions extends UsageFilters {
  readonly start?: string;
  readonly end?: string;
  readonly at?: string;
  readonly asOf?: string;
  readonly limit: string;
  readonly events?: boolean;
  readonly export?: string;
  readonly json?: boolean;
}

/** Most lines of an answer: more are better read from an export. */
const MAX_LIMIT = 100_000;

/**
 * Checks measure and options of `why`; the tenant is still as it was typed, `--as-of` not yet looked at.
 * @throws UsageError that says what is allowed.
 */
export function checkWhyOptions(
  measure: string,
  raw: RawWhyOptions,
  nowMs: number,
): WhyQuery & { readonly filters: UsageFilters } {
  if (!(MEASURE_NAMES as string[]).includes(measure)) {
    throw new UsageError(`There is no measure "${measure}".`, {
      hint: `It is one of ${MEASURE_NAMES.join(', ')}.`,
    });
  }
  const { kind } = measureKind(measure as Measure);
  const refuse = (option: string, hint: string): void => {
    throw new UsageError(`${option} does not go with ${measure}.`, { hint });
  };
  if (kind !== 'integral' && (raw.start !== undefined || raw.end !== undefined))
    refuse('--start and --end', 'It is counted at one instant: --at, or --as-of for what was known then.');
  if (kind === 'integral' && raw.at !== undefined) refuse('--at', 'It has a --start and an --end.');
  if (kind === 'depth' && raw.at !== undefined) refuse('--at', '--as-of tells it of the past.');
  const limit = /^\d{1,6}$/.test(raw.limit) ? Number(raw.limit) : 0;
  if (limit < 1 || limit > MAX_LIMIT)
    throw new UsageError(`--limit ${raw.limit} is not a number from 1 to ${MAX_LIMIT}.`);
  const filters: UsageFilters = {};
  for (const name of [...DIMENSIONS, 'service'] as const) {
    const value = raw[name];
    if (value !== undefined) filters[name] = value;
  }
  return {
    ...{ measure: measure as Measure, now: nowMs, filters, limit, events: raw.events ?? false },
    ...(raw.start === undefined ? {} : { start: parseTime(raw.start, nowMs) }),
    ...(raw.end === undefined ? {} : { end: parseTime(raw.end, nowMs) }),
    ...(raw.at === undefined ? {} : { at: parseTime(raw.at, nowMs) }),
  };
}
