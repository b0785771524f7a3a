import { randomUUID } from 'node:crypto';
import { createLogger, systemClock } from '@quipu/platform';
import {
  createMetrics,
  measuresOfPoints,
  pointsOfMeasures,
  policyOf,
} from '../../../../test/support/archive/archive-fixture.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { MeasuresWriter } from '../measures/measures-writer.js';
import { type AcrossQuery, ArchiveReader, type FoundSeries, type ReadRefusal } from './archive-reader.js';

const SECOND = 1_000_000_000n;
const MINUTE = 60n * SECOND;
const HOUR = 60n * MINUTE;
const START = 1_700_000_000n * SECOND - ((1_700_000_000n * SECOND) % HOUR);
const policy = policyOf([[MINUTE, 5_000], [HOUR, null]], ['mean', 'count', 'rate:mean', 'last'], 10_000); // prettier-ignore

describe('reading measures', () => {
  let database: TestDatabase;
  let reader: ArchiveReader;
  let ids: string[];

  beforeAll(async () => {
    database = await testDatabase();
    reader = new ArchiveReader(database.pool);
    ids = await createMetrics(database.pool, policy, 3);
    const writer = new MeasuresWriter({
      ...{ pool: database.pool, clock: systemClock, logger: createLogger('test', 'silent') },
    });
    // Six thousand minutes: the oldest thousand are not kept, and most of the others are in splits.
    for (const from of [0, 3_000]) {
      const parts = ids.map((metricId, m) => ({
        metricId,
        points: pointsOfMeasures(
          Array.from({ length: 3_000 }, (_, i) => [START + MINUTE * BigInt(from + i) + SECOND, from + i + m]),
        ),
      }));
      // The third metric misses the last ten minutes.
      if (from > 0)
        parts[2] = { ...parts[2]!, points: { ...parts[2]!.points, ...cut(parts[2]!.points, 2_990) } };
      await writer.apply([{ id: randomUUID(), parts }]);
    }
  });
  afterAll(() => database.drop());

  const instant = (ns: bigint) => ({ seconds: Number(ns / SECOND), nanos: Number(ns % SECOND) });
  const metric = (n: number) => ({ id: ids[n]!, policy });
  /** Minutes since the start, and values. */
  const told = (answer: FoundSeries | ReadRefusal) =>
    'refused' in answer
      ? answer
      : answer.series.map(({ points }) =>
          measuresOfPoints(points).map(([at, value]) => [Number((at - START) / MINUTE), value]),
        );

  it('tells all granularities, the coarsest first, each as far back as it is kept', async () => {
    const answer = await reader.measures(metric(0), { aggregation: 'count' });
    if ('refused' in answer) throw new Error(answer.refused);
    expect(answer.series.map(({ granularity }) => granularity)).toEqual([HOUR, MINUTE]);
    expect(answer.series.map(({ points }) => points.values.length)).toEqual([100, 5_000]);
    expect(Number(BigInt(answer.series[1]!.points.seconds[0]!) * SECOND - START)).toBe(
      Number(MINUTE) * 1_000,
    );
  });

  it('cuts at once what a policy that was changed keeps no longer', async () => {
    const [minutes, hours] = policy.definition;
    const shorter = { ...policy, definition: [{ ...minutes!, points: 2 }, hours!] };
    const answer = await reader.measures({ id: ids[0]!, policy: shorter }, { aggregation: 'last', granularityNs: MINUTE }); // prettier-ignore
    expect(told(answer)).toEqual([[[5_998, 5_998], [5_999, 5_999]]]); // prettier-ignore
  });

  it('begins with the bucket that holds the start, and ends before the stop', async () => {
    const span = { start: instant(START + MINUTE * 3_598n + SECOND * 30n), stop: instant(START + MINUTE * 3_601n) }; // prettier-ignore
    const answer = await reader.measures(metric(0), { aggregation: 'mean', granularityNs: MINUTE, ...span });
    expect(told(answer)).toEqual([[[3_598, 3_598], [3_599, 3_599], [3_600, 3_600]]]); // prettier-ignore
  });

  it('groups again what was aggregated, and filters by span afterwards', async () => {
    const query = { granularityNs: MINUTE, resample: 4n * MINUTE };
    const span = { start: instant(START + MINUTE * 3_601n), stop: instant(START + MINUTE * 3_609n) };
    const mean = await reader.measures(metric(0), { aggregation: 'mean', ...query, ...span });
    expect(told(mean)).toEqual([[[3_604, 3_605.5], [3_608, 3_609.5]]]); // prettier-ignore
    const rate = await reader.measures(metric(0), { aggregation: 'rate:mean', ...query, ...span });
    expect(told(rate)).toEqual([[[3_604, 0], [3_608, 0]]]); // prettier-ignore
    const year = await reader.measures(metric(0), {
      aggregation: 'count',
      granularityNs: HOUR,
      resample: 'Y',
    });
    if ('refused' in year) throw new Error(year.refused);
    expect(year.series).toMatchObject([{ granularity: 'Y', points: { values: Float64Array.of(100) } }]);
  });

  const last = { granularityNs: MINUTE, start: instant(START + MINUTE * 5_988n) };
  it.each([
    [
      {},
      [
        [
          [5_988, 5_989],
          [5_989, 5_990],
        ],
      ],
    ],
    [{ stop: instant(START + MINUTE * 6_000n) }, { refused: 'overlap', overlap: (2 * 100) / 12 }],
    [
      { neededOverlap: 10, stop: instant(START + MINUTE * 5_991n) },
      [
        [
          [5_988, 5_989],
          [5_989, 5_990],
          [5_990, 5_990.5],
        ],
      ],
    ],
    [
      { fill: 0, stop: instant(START + MINUTE * 5_991n), reaggregation: 'sum' },
      [
        [
          [5_988, 17_967],
          [5_989, 17_970],
          [5_990, 11_981],
        ],
      ],
    ],
    [{ fill: 'dropna', stop: instant(START + MINUTE * 5_990n), resample: 2n * MINUTE }, [[[5_988, 5_989.5]]]],
    [{ aggregation: 'last' }, { refused: 'unknown-reaggregation' }],
    [{ aggregation: 'max' }, { refused: 'unknown-aggregation' }],
    [{ granularityNs: 7n }, { refused: 'unknown-granularity' }],
  ] as [Partial<AcrossQuery>, unknown][])('makes one series of several: %j', async (query, expected) => {
    const all = { aggregation: 'mean', ...last, ...query };
    const answer = told(await reader.across([0, 1, 2].map(metric), all));
    if (Array.isArray(expected)) expect(answer).toEqual(expected);
    else expect(answer).toMatchObject(expected as object);
  });

  it('refuses to combine one series, too, by what combines none', async () => {
    const query = { aggregation: 'mean', reaggregation: 'foo' };
    expect(await reader.across([metric(0)], query)).toEqual({ refused: 'unknown-reaggregation' });
    // What is not asked for is not needed of one.
    expect(told(await reader.across([metric(0)], { aggregation: 'last' }))).toHaveLength(2);
  });

  it('refuses what would not fit into memory', async () => {
    const small = new ArchiveReader(database.pool, 1);
    const query = { aggregation: 'mean', granularityNs: MINUTE };
    expect(await small.measures(metric(0), query)).toEqual({ refused: 'too-many-measures' });
    const recent = await small.measures(metric(0), { ...query, start: instant(START + MINUTE * 5_990n) });
    expect(told(recent)).toHaveLength(1);
  });

  it('has nothing of a metric without measures', async () => {
    const [empty] = await createMetrics(database.pool, policy, 1);
    expect(told(await reader.measures({ id: empty!, policy }, { aggregation: 'mean' }))).toEqual([[], []]);
    const other = policyOf([[7n * SECOND, null]], ['mean']);
    expect(await reader.across([metric(0), { id: empty!, policy: other }], { aggregation: 'mean' })).toEqual({
      refused: 'no-granularity-match',
    });
  });
});

function cut(points: { seconds: Float64Array; nanos: Uint32Array; values: Float64Array }, to: number) {
  const { seconds, nanos, values } = points;
  return { seconds: seconds.subarray(0, to), nanos: nanos.subarray(0, to), values: values.subarray(0, to) };
}
