/** Quarter-hour, day and month: the bucket sizes that level sums are kept in, finest first. */
export const BUCKET_KINDS = [1, 2, 3] as const;

/** 1 = quarter-hour, 2 = day, 3 = calendar month; all UTC. */
export type BucketKind = (typeof BUCKET_KINDS)[number];

/** Length of a quarter-hour, ms. Every time zone's offset is a multiple of it. */
export const QUARTER_MS = 900_000;
/** Length of an hour, ms. */
export const HOUR_MS = 3_600_000;
/** Length of a UTC day, ms. */
export const DAY_MS = 86_400_000;

/** Start (ms) of the UTC quarter-hour that contains `t` (ms; may be before 1970). */
export function quarterOf(t: number): number {
  return Math.floor(t / QUARTER_MS) * QUARTER_MS;
}

/** Start (ms) of the UTC day that contains `t`. */
export function dayOf(t: number): number {
  return Math.floor(t / DAY_MS) * DAY_MS;
}

/** UTC midnight (ms) of a date, for any year: `Date.UTC` alone would read the years 0 to 99 as 19xx. */
function utcDate(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  return date.getTime();
}

/** Start (ms) of the UTC calendar month that contains `t`. */
export function monthOf(t: number): number {
  const date = new Date(t);
  return utcDate(date.getUTCFullYear(), date.getUTCMonth());
}

/** Start (ms) of the bucket of `kind` that contains `t` (ms). */
export function bucketStart(kind: BucketKind, t: number): number {
  if (kind === 1) return quarterOf(t);
  return kind === 2 ? dayOf(t) : monthOf(t);
}

/** First instant (ms) after the bucket of `kind` that starts at `start`. */
export function bucketEnd(kind: BucketKind, start: number): number {
  if (kind === 1) return start + QUARTER_MS;
  if (kind === 2) return start + DAY_MS;
  const date = new Date(start);
  return utcDate(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** Calendar units an answer can be bucketed by (UTC; weeks start on Monday, ISO 8601). */
export type CalendarUnit = 'quarter' | 'hour' | 'day' | 'week' | 'month' | 'year';

/** A half-open span of time `[start, end)`, ms. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const MONDAY_MS = 4 * DAY_MS;

/** Start (ms) of the calendar unit that contains `t`. */
export function calendarStart(unit: CalendarUnit, t: number): number {
  switch (unit) {
    case 'quarter':
      return quarterOf(t);
    case 'hour':
      return Math.floor(t / HOUR_MS) * HOUR_MS;
    case 'day':
      return dayOf(t);
    case 'week':
      return Math.floor((t - MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + MONDAY_MS;
    case 'month':
      return monthOf(t);
    case 'year':
      return utcDate(new Date(t).getUTCFullYear(), 0);
  }
}

/** Start (ms) of the calendar unit after the one that starts at `start`. */
export function calendarNext(unit: CalendarUnit, start: number): number {
  switch (unit) {
    case 'quarter':
      return start + QUARTER_MS;
    case 'hour':
      return start + HOUR_MS;
    case 'day':
      return start + DAY_MS;
    case 'week':
      return start + 7 * DAY_MS;
    case 'month':
      return bucketEnd(3, start);
    case 'year':
      return utcDate(new Date(start).getUTCFullYear() + 1, 0);
  }
}

/**
 * Splits `[start, end)` at the boundaries of the calendar unit; the first and the last span are clipped to the
 * window. An empty or inverted window gives one empty span at `start`.
 *
 * @throws RangeError when there would be more than `limit` spans.
 */
export function calendarBuckets(start: number, end: number, unit: CalendarUnit, limit = 100_000): Span[] {
  if (end <= start) return [{ start, end: start }];
  const spans: Span[] = [];
  for (let from = start; from < end;) {
    const to = Math.min(calendarNext(unit, calendarStart(unit, from)), end);
    if (spans.length === limit)
      throw new RangeError(`more than ${limit} buckets; choose a longer unit or a shorter window`);
    spans.push({ start: from, end: to });
    from = to;
  }
  return spans;
}
