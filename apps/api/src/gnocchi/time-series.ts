import type { ArchiveBacklog, ArchivePolicy, Instant } from '@quipu/archive';
import type { MeasuredSeries } from './forms/measures-json.js';

/** A metric whose series are asked for. */
export interface AskedMetric {
  readonly id: string;
  readonly policy: ArchivePolicy;
}

/** Units of the calendar that buckets can be regrouped by. */
export const CALENDAR_UNITS = ['Y', 'H', 'Q', 'M', 'W'] as const;
/** Year, half-year, quarter, month, week. */
export type CalendarLetter = (typeof CALENDAR_UNITS)[number];

/** What is asked of series. */
export interface SeriesQuestion {
  readonly aggregation: string;
  readonly granularityNs?: bigint;
  readonly start?: Instant;
  readonly stop?: Instant;
  readonly resample?: bigint | CalendarLetter;
}

/** What to put where a series has no value. */
export const FILL_WORDS = ['null', 'dropna', 'ffill', 'bfill', 'full_ffill', 'full_bfill'] as const;
/** One of the words that say so. */
export type FillWord = (typeof FILL_WORDS)[number];

/** What is asked of several series at once. */
export interface AcrossQuestion extends SeriesQuestion {
  readonly reaggregation?: string;
  readonly neededOverlap?: number;
  readonly fill?: number | FillWord;
}

/** Why series cannot be told. */
export interface SeriesRefusal {
  readonly refused:
    | 'unknown-aggregation'
    | 'unknown-granularity'
    | 'unknown-reaggregation'
    | 'resample-needs-granularity'
    | 'no-granularity-match'
    | 'no-overlap'
    | 'overlap'
    | 'too-many-measures';
  readonly metricId?: string;
  /** Percentage of instants that all series have. */
  readonly overlap?: number;
}

/** What is told of series. */
export type SeriesAnswer = { readonly series: readonly MeasuredSeries[] } | SeriesRefusal;

/** The measures of the archive as the dialect asks for them. */
export abstract class TimeSeries {
  /** The series of one metric, coarsest first. */
  abstract measures(metric: AskedMetric, question: SeriesQuestion): Promise<SeriesAnswer>;
  /** Series made of those of several metrics. */
  abstract across(metrics: readonly AskedMetric[], question: AcrossQuestion): Promise<SeriesAnswer>;
  /** Aggregates what waits for these metrics; `locked` if somebody else is at it for too long. */
  abstract refresh(metricIds: readonly string[]): Promise<'done' | 'locked'>;
  /** How many measures wait to be aggregated, and how many were too old. */
  abstract backlog(): Promise<ArchiveBacklog>;
}
