import type { Pool } from 'pg';
import { combine, isCombination } from '../aggregate/combine.js';
import { Grid, isBefore } from '../aggregate/grid.js';
import { type Fill, onUnion, overlay, type OverlapRefusal } from '../aggregate/overlay.js';
import { pointsOf, resample, type Sampling, type Series } from '../aggregate/resample.js';
import type { Column } from '../aggregate/aggregate.js';
import { firstFrom, type Instant, type Points, slicePoints } from '../measures/points.js';
import type { ArchivePolicy, ArchivePolicyItem } from '../policy/archive-policy.js';
import { isRate } from '../policy/methods.js';
import { readSeries, type SeriesQuery } from './series-query.js';

/** A metric, as far as reading it needs. */
export interface ReadableMetric {
  readonly id: string;
  readonly policy: ArchivePolicy;
}

/** Which measures are wanted. */
export interface MeasuresQuery {
  readonly aggregation: string;
  /** One granularity; all if absent. */
  readonly granularityNs?: bigint | undefined;
  /** Inclusive; rounded down to the granularity. */
  readonly start?: Instant | undefined;
  /** Exclusive. */
  readonly stop?: Instant | undefined;
  /** Aggregates the series of one granularity again, into wider groups. */
  readonly resample?: Sampling | undefined;
}

/** Which measures of several metrics are wanted, and what becomes of them together. */
export interface AcrossQuery extends MeasuresQuery {
  /** How values of different metrics become one; default `aggregation`. */
  readonly reaggregation?: string | undefined;
  /** Percentage; default 100. */
  readonly neededOverlap?: number | undefined;
  readonly fill?: Fill | undefined;
}

/** Series by descending granularity. */
export interface FoundSeries {
  readonly series: readonly Series[];
}

/** Why there is no answer. */
export type ReadRefusal =
  | { readonly refused: 'unknown-aggregation' | 'unknown-granularity'; readonly metricId: string }
  | { readonly refused: 'resample-needs-granularity' | 'unknown-reaggregation' | 'no-granularity-match' }
  | { readonly refused: 'too-many-measures' }
  | OverlapRefusal;

/** Splits that one answer may be made of: some seven million buckets. */
const MOST_SPLITS = 2_000;

/** Reads what was aggregated. Points as they were measured are never touched. */
export class ArchiveReader {
  /** @param mostSplits most splits that one answer may be made of; what takes more is refused. */
  constructor(
    private readonly pool: Pool,
    private readonly mostSplits = MOST_SPLITS,
  ) {}

  /** The measures of one metric, of one granularity or all of its policy. */
  async measures(metric: ReadableMetric, query: MeasuresQuery): Promise<FoundSeries | ReadRefusal> {
    const items = itemsOf(metric.policy, query.granularityNs);
    const refusal = refusalOf(metric, query, items);
    if (refusal !== null) return refusal;
    // A resampled rate needs the bucket before the first one wanted.
    const before = query.resample !== undefined && isRate(query.aggregation);
    const range = { start: before ? undefined : query.start, stop: query.resample ? undefined : query.stop };
    const queries = items.map((item) => seriesQuery(metric, item, range));
    const columns = await readSeries(this.pool, query.aggregation, queries, this.mostSplits);
    if (columns === null) return { refused: 'too-many-measures' };
    const series = columns.map((column, i): Series => {
      const grid = new Grid(items[i]!.granularityNs);
      const points = pointsOf(column, grid);
      if (query.resample === undefined) return { granularity: grid.granularityNs, points };
      const wider = resample(points, query.aggregation, query.resample);
      return { granularity: query.resample, points: between(wider, grid, query) };
    });
    return { series };
  }

  /**
   * The measures of several metrics, made one series per granularity; those of a single one as they are.
   * All metrics must have the granularities asked for; without any, those that all of them have.
   */
  async across(metrics: readonly ReadableMetric[], query: AcrossQuery): Promise<FoundSeries | ReadRefusal> {
    const [first] = metrics;
    if (first === undefined) return { series: [] };
    if (query.reaggregation !== undefined && !isCombination(query.reaggregation)) {
      return { refused: 'unknown-reaggregation' };
    }
    if (metrics.length === 1) return this.measures(first, query);
    const reaggregation = query.reaggregation ?? query.aggregation;
    if (query.resample !== undefined && query.granularityNs === undefined) {
      return { refused: 'resample-needs-granularity' };
    }
    const shared = itemsOf(first.policy, query.granularityNs).filter(({ granularityNs }) =>
      metrics.every(({ policy }) => itemsOf(policy, granularityNs).length > 0),
    );
    for (const metric of metrics) {
      const refusal = refusalOf(metric, query, itemsOf(metric.policy, query.granularityNs));
      if (refusal !== null) return refusal;
    }
    if (shared.length === 0) return { refused: 'no-granularity-match' };
    if (!isCombination(reaggregation)) return { refused: 'unknown-reaggregation' };
    const queries = shared.flatMap(({ granularityNs }) =>
      metrics.map((metric) => seriesQuery(metric, itemsOf(metric.policy, granularityNs)[0]!, query)),
    );
    const columns = await readSeries(this.pool, query.aggregation, queries, this.mostSplits);
    if (columns === null) return { refused: 'too-many-measures' };
    const series: Series[] = [];
    for (const [i, { granularityNs }] of shared.entries()) {
      const of = columns.slice(i * metrics.length, (i + 1) * metrics.length);
      const one = acrossOne(of, new Grid(granularityNs), { ...query, reaggregation });
      if ('refused' in one) return one;
      series.push(one);
    }
    return { series };
  }
}

function itemsOf(policy: ArchivePolicy, granularityNs: bigint | undefined): ArchivePolicyItem[] {
  return policy.definition
    .filter((item) => granularityNs === undefined || item.granularityNs === granularityNs)
    .toSorted((a, b) => (a.granularityNs > b.granularityNs ? -1 : 1));
}

function refusalOf(
  { id, policy }: ReadableMetric,
  { aggregation, resample, granularityNs }: MeasuresQuery,
  items: readonly ArchivePolicyItem[],
): ReadRefusal | null {
  if (resample !== undefined && granularityNs === undefined) return { refused: 'resample-needs-granularity' };
  if (!policy.aggregationMethods.includes(aggregation)) {
    return { refused: 'unknown-aggregation', metricId: id };
  }
  return items.length === 0 ? { refused: 'unknown-granularity', metricId: id } : null;
}

function seriesQuery(
  { id }: ReadableMetric,
  { granularityNs, points }: ArchivePolicyItem,
  { start, stop }: Pick<MeasuresQuery, 'start' | 'stop'>,
): SeriesQuery {
  const grid = new Grid(granularityNs);
  let to = Infinity;
  if (stop !== undefined) {
    to = grid.keyOf(stop.seconds, stop.nanos);
    // A bucket that begins before the end counts, also if it ends after it.
    if (isBefore(grid.startOf(to), stop)) to += 1;
  }
  const from = start === undefined ? 0 : grid.keyOf(start.seconds, start.nanos);
  return { metricId: id, granularityNs, points, from, to };
}

function between(points: Points, grid: Grid, { start, stop }: MeasuresQuery): Points {
  const from = start === undefined ? 0 : firstFrom(points, grid.floor(start));
  const to = stop === undefined ? points.values.length : firstFrom(points, stop);
  return slicePoints(points, from, Math.max(from, to));
}

function acrossOne(
  columns: readonly Column[],
  grid: Grid,
  query: AcrossQuery & { readonly reaggregation: string },
): Series | OverlapRefusal {
  const { fill, start, stop, aggregation, reaggregation, neededOverlap = 100 } = query;
  const bounded = { start: start !== undefined, end: stop !== undefined };
  const matrix = overlay(columns, { fill, neededOverlap, bounded });
  if ('refused' in matrix) return matrix;
  if (query.resample === undefined) {
    const column = combine(matrix, reaggregation);
    const points = pointsOf(fill === 'dropna' ? finite(column) : column, grid);
    return { granularity: grid.granularityNs, points };
  }
  const sampling = query.resample;
  const wider = matrix.rows.map((values) => {
    const points = resample(pointsOf({ keys: matrix.keys, values }, grid), aggregation, sampling);
    return { keys: keysOf(points, sampling), values: points.values };
  });
  const column = combine(onUnion(wider, NaN), reaggregation);
  const kept = fill === 'dropna' ? finite(column) : column;
  const points =
    typeof sampling === 'bigint'
      ? pointsOf(kept, new Grid(sampling))
      : { seconds: kept.keys, nanos: new Uint32Array(kept.keys.length), values: kept.values };
  return { granularity: sampling, points };
}

/** What tells groups apart: the bucket's number, or the second at which a period begins. */
function keysOf({ seconds, nanos }: Points, sampling: Sampling): Float64Array {
  if (typeof sampling !== 'bigint') return seconds;
  const grid = new Grid(sampling);
  return seconds.map((second, i) => grid.keyOf(second, nanos[i]!));
}

function finite({ keys, values }: Column): Column {
  const kept = Array.from(keys.keys()).filter((i) => Number.isFinite(values[i]));
  return {
    keys: Float64Array.from(kept, (i) => keys[i]!),
    values: Float64Array.from(kept, (i) => values[i]!),
  };
}
