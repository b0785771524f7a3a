import { type ArchiveMetric, MIN_GRANULARITY_NS } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import { floatText } from '../forms/plain-value.js';
import { secondsOf } from '../forms/durations.js';
import type { GnocchiArchive } from '../gnocchi-archive.js';
import type { GnocchiAnswer, GnocchiCall } from '../gnocchi-call.js';
import { MeasureCount, measuresSchema } from '../input/measures.js';
import type { Query } from '../input/query.js';
import { parseTimespan, TimespanError } from '../input/timespan.js';
import { readTimestamp, TimestampError } from '../input/timestamps.js';
import {
  CALENDAR_UNITS,
  type CalendarLetter,
  type SeriesQuestion,
  type SeriesRefusal,
} from '../time-series.js';
import { usableMetric } from './metrics.js';

/** `POST /v1/metric/<id>/measures` */
export async function postMeasures(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return takeMeasures(archive, call, await usableMetric(archive, call));
}

/** Takes the measures of a body for one metric. */
export async function takeMeasures(
  { clock, intake }: GnocchiArchive,
  call: GnocchiCall,
  metric: ArchiveMetric,
): Promise<GnocchiAnswer> {
  const points = await call.body(measuresSchema(clock.now(), new MeasureCount()), { measures: true });
  if (points.values.length > 0)
    await intake.add(new Map([[metric.id, points]]), call.caller.principal.tenantId);
  return { status: 202 };
}

/** `GET /v1/metric/<id>/measures` */
export async function getMeasures(archive: GnocchiArchive, call: GnocchiCall): Promise<GnocchiAnswer> {
  return tellMeasures(archive, call, await usableMetric(archive, call));
}

/** Tells the measures of one metric. */
export async function tellMeasures(
  archive: GnocchiArchive,
  { query }: GnocchiCall,
  metric: ArchiveMetric,
): Promise<GnocchiAnswer> {
  const resample = resampleOf(query, query.one('granularity') !== undefined);
  const question = { ...spanOf(query, archive.clock.now()), ...resample };
  const { policy, id } = metric;
  if (!policy.aggregationMethods.includes(question.aggregation))
    throw unknownMethod(id, question.aggregation);
  const { granularityNs } = question;
  if (
    granularityNs !== undefined &&
    policy.definition.every((item) => item.granularityNs !== granularityNs)
  ) {
    throw unknownGranularity(id, question);
  }
  if (query.flag('refresh', false)) await refresh(archive, [id]);
  const answer = await archive.series.measures(metric, question);
  if ('refused' in answer) throw refusalOf(answer, question, [id]);
  return { status: 200, ...(await archive.answers.write(answer.series)) };
}

/** Aggregates what waits for these metrics. @throws GnocchiError (503) */
export async function refresh({ series }: GnocchiArchive, ids: readonly string[]): Promise<void> {
  if ((await series.refresh(ids)) === 'done') return;
  const message = `Unable to refresh metric: ${ids.join(', ')}. Metric is locked. Please try again.`;
  throw new GnocchiError(503, message);
}

/** What a query says of span and width. @throws GnocchiError (400) */
export function spanOf(query: Query, nowMs: number): SeriesQuestion {
  const instant = (name: 'start' | 'stop') => {
    const text = query.one(name);
    if (text === undefined) return {};
    try {
      return { [name]: readTimestamp(text, nowMs) };
    } catch (error) {
      if (!(error instanceof TimestampError)) throw error;
      throw GnocchiError.argument(name, 'Must be a datetime or a timestamp');
    }
  };
  const granularity = query.one('granularity');
  const times = { ...instant('start'), ...instant('stop') };
  const width = granularity === undefined ? {} : { granularityNs: widthOf(granularity) };
  return { aggregation: query.one('aggregation') ?? 'mean', ...times, ...width };
}

function widthOf(text: string): bigint {
  try {
    return parseTimespan(text);
  } catch (error) {
    if (error instanceof TimespanError) throw GnocchiError.argument('granularity', error.message);
    throw error;
  }
}

/** What a query says of regrouping. @throws GnocchiError (400) */
export function resampleOf(query: Query, hasGranularity: boolean): { resample?: bigint | CalendarLetter } {
  const text = query.one('resample');
  if (text === undefined || text === '') return {};
  if (!hasGranularity) throw new GnocchiError(400, 'A granularity must be specified to resample');
  const letter = CALENDAR_UNITS.find((unit) => unit === text);
  if (letter !== undefined) return { resample: letter };
  let resample: bigint;
  try {
    resample = parseTimespan(text);
  } catch (error) {
    if (error instanceof TimespanError) throw new GnocchiError(400, error.message);
    throw error;
  }
  if (resample < MIN_GRANULARITY_NS)
    throw GnocchiError.argument('resample', 'Must be at least 10 microseconds');
  return { resample };
}

/** The refusal of a method that the metric's policy does not have. */
export function unknownMethod(metric: string, method: string): GnocchiError {
  return new GnocchiError(404, {
    cause: 'Aggregation method does not exist for this metric',
    detail: { metric, aggregation_method: method },
  });
}

/** The refusal of a method or width that the metric's policy does not have. */
export function unknownGranularity(
  metric: string,
  { aggregation, granularityNs }: SeriesQuestion,
): GnocchiError {
  const width = floatText(secondsOf(granularityNs ?? 0n));
  const what = `Aggregation method '${aggregation}' at granularity '${width}' for metric ${metric}`;
  return new GnocchiError(404, `${what} does not exist`);
}

/** What a client is told when series cannot be. */
export function refusalOf(
  { refused, metricId, overlap }: SeriesRefusal,
  question: SeriesQuestion & { readonly neededOverlap?: number },
  ids: readonly string[],
): GnocchiError {
  const first = metricId ?? ids[0]!;
  const cannot = (reason: string): GnocchiError =>
    new GnocchiError(400, {
      cause: 'Metrics cannot be aggregated',
      reason,
      detail: ids.map((id) => [id, question.aggregation]),
    });
  switch (refused) {
    case 'unknown-aggregation':
      return ids.length === 1
        ? unknownMethod(first, question.aggregation)
        : unknownGranularity(first, question);
    case 'unknown-granularity':
      return unknownGranularity(first, question);
    case 'unknown-reaggregation':
      return GnocchiError.argument('reaggregation', 'Must be a method to aggregate with');
    case 'resample-needs-granularity':
      return new GnocchiError(400, 'A granularity must be specified to resample');
    case 'no-granularity-match':
      return cannot('No granularity match');
    case 'too-many-measures':
      return new GnocchiError(400, 'Too many measures: ask for a shorter time, or for one granularity');
    case 'no-overlap':
      return cannot('No overlap');
    case 'overlap': {
      const needed = (question.neededOverlap ?? 100).toFixed(6);
      const found = (overlap ?? 0).toFixed(2);
      return cannot(`Less than ${needed}% of datapoints overlap in this timespan (${found}%)`);
    }
  }
}
