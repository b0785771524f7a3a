import { newPoints } from '../measures/points.js';
import { Aggregator } from './aggregate.js';
import { type CalendarUnit, periodStart } from './calendar.js';
import { combine } from './combine.js';
import { Grid } from './grid.js';
import { groupPoints } from './groups.js';
import { type Fill, onUnion, overlay } from './overlay.js';
import { resample } from './resample.js';

function pointsAt(points: readonly (readonly [number, number])[]) {
  const made = newPoints(points.length);
  for (const [i, [seconds, value]] of points.entries()) {
    made.seconds[i] = seconds;
    made.values[i] = value;
  }
  return made;
}

const MINUTE = new Grid(60_000_000_000n);
const POINTS = pointsAt([[0, 2], [10, 8], [20, 5], [70, 1], [130, NaN], [140, 3]]); // prettier-ignore

describe('an aggregate', () => {
  const aggregator = new Aggregator(groupPoints(POINTS, 0, MINUTE));

  it.each([
    [
      'mean',
      [
        [0, 5],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      'sum',
      [
        [0, 15],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      'count',
      [
        [0, 3],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'first',
      [
        [0, 2],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      'last',
      [
        [0, 5],
        [1, 1],
        [2, 3],
      ],
    ],
    [
      'max',
      [
        [0, 8],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      'min',
      [
        [0, 2],
        [1, 1],
        [2, 3],
      ],
    ],
    [
      'std',
      [
        [0, 3],
        [2, NaN],
      ],
    ],
    [
      'median',
      [
        [0, 5],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      '50pct',
      [
        [0, 5],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      '90pct',
      [
        [0, 5 * (2 - 1.8) + 8 * (1.8 - 1)],
        [1, 1],
        [2, NaN],
      ],
    ],
    [
      'rate:sum',
      [
        [0, 3],
        [1, -4],
        [2, NaN],
      ],
    ],
    [
      'rate:count',
      [
        [0, 2],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      'rate:std',
      [
        [0, Math.sqrt(40.5)],
        [2, NaN],
      ],
    ],
  ] as [string, [number, number][]][])('%s', (method, expected) => {
    const { keys, values } = aggregator.column(method);
    expect(Array.from(keys, (key, i) => [key, values[i]])).toEqual(expected);
  });

  it('leaves the first point of all out of the rates, and its bucket if nothing else is there', () => {
    const alone = new Aggregator(groupPoints(pointsAt([[0, 1], [60, 5]]), 0, MINUTE)); // prettier-ignore
    expect(alone.column('rate:mean')).toEqual({ keys: Float64Array.of(1), values: Float64Array.of(4) });
  });

  it.each([
    [100_000_000n, 12, 950_000_000],
    [7_000_000_000n, 1_700_000_000, 1],
    [142_857_142n, 1_700_000_000, 142_857_142],
  ] as [bigint, number, number][])('of %s ns counts buckets exactly', (granularity, seconds, nanos) => {
    const grid = new Grid(granularity);
    const ns = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
    expect(BigInt(grid.keyOf(seconds, nanos))).toBe(ns / granularity);
    const start = grid.floor({ seconds, nanos });
    expect(BigInt(start.seconds) * 1_000_000_000n + BigInt(start.nanos)).toBe(ns - (ns % granularity));
  });
});

describe('resampling', () => {
  it('groups what was aggregated again, by the same method', () => {
    const { seconds, values } = resample(pointsAt([[0, 1], [60, 3], [120, 10]]), 'mean', 120_000_000_000n); // prettier-ignore
    expect([[...seconds], [...values]]).toEqual([[0, 120], [2, 10]]); // prettier-ignore
    expect([...resample(pointsAt([[0, 9], [60, 9]]), 'count', 'Y').values]).toEqual([2]); // prettier-ignore
  });

  it.each([
    ['Y', '2024-02-29T12:00:00Z', '2024-01-01'],
    ['H', '2024-08-29T12:00:00Z', '2024-07-01'],
    ['Q', '2024-05-31T23:59:59Z', '2024-04-01'],
    ['M', '2024-12-31T23:59:59Z', '2024-12-01'],
    ['W', '2024-03-02T12:00:00Z', '2024-02-25'],
    ['W', '2024-03-03T00:00:00Z', '2024-03-03'],
    ['W', '1970-01-01T00:00:00Z', '1969-12-28'],
  ] as [CalendarUnit, string, string][])('by %s puts %s into %s', (unit, at, start) => {
    const second = Date.parse(at) / 1000;
    expect(new Date(periodStart(unit, second) * 1000).toISOString().slice(0, 10)).toBe(start);
  });
});

describe('several series', () => {
  const columns = [
    { keys: Float64Array.of(1, 2, 3), values: Float64Array.of(1, 2, 3) },
    { keys: Float64Array.of(2, 3, 5), values: Float64Array.of(20, 30, 50) },
  ];
  const open = { start: false, end: false };
  const laid = (fill: Fill | undefined, neededOverlap = 100, bounded = open) => {
    const matrix = overlay(columns, { fill, neededOverlap, bounded });
    return 'refused' in matrix ? matrix : [[...matrix.keys], ...matrix.rows.map((row) => [...row])];
  };

  it('count where all of them have a value', () => {
    expect(laid(undefined)).toEqual([[2, 3], [2, 3], [20, 30]]); // prettier-ignore
    expect(laid(undefined, 100, { start: true, end: false })).toEqual({ refused: 'overlap', overlap: 200 / 3 }); // prettier-ignore
    expect(laid(undefined, 50, { start: true, end: true })).toEqual([[1, 2, 3, 5], [1, 2, 3, NaN], [NaN, 20, 30, 50]]); // prettier-ignore
    const apart = [columns[0]!, { keys: Float64Array.of(9), values: Float64Array.of(9) }];
    expect(overlay(apart, { neededOverlap: 1, bounded: open })).toEqual({ refused: 'no-overlap' });
  });

  it.each([
    [
      0,
      [
        [1, 2, 3, 5],
        [1, 2, 3, 0],
        [0, 20, 30, 50],
      ],
    ],
    [
      'null',
      [
        [1, 2, 3, 5],
        [1, 2, 3, NaN],
        [NaN, 20, 30, 50],
      ],
    ],
    [
      'ffill',
      [
        [2, 3, 5],
        [2, 3, 3],
        [20, 30, 50],
      ],
    ],
    [
      'bfill',
      [
        [1, 2, 3],
        [1, 2, 3],
        [20, 20, 30],
      ],
    ],
    [
      'full_ffill',
      [
        [1, 2, 3, 5],
        [1, 2, 3, 3],
        [20, 20, 30, 50],
      ],
    ],
    [
      'full_bfill',
      [
        [1, 2, 3, 5],
        [1, 2, 3, 3],
        [20, 20, 30, 50],
      ],
    ],
  ] as [Fill, number[][]][])('with gaps filled by %s', (fill, expected) => {
    expect(laid(fill)).toEqual(expected);
  });

  it.each([
    ['mean', [1, 11, 16.5, 50]],
    ['sum', [1, 22, 33, 50]],
    ['count', [1, 2, 2, 1]],
    ['max', [1, 20, 30, 50]],
    ['min', [1, 2, 3, 50]],
    ['median', [1, 11, 16.5, 50]],
    ['std', [0, 9, 13.5, 0]],
    ['var', [0, 81, 182.25, 0]],
    ['rate:sum', [21, 11, 17]],
  ] as [string, number[]][])('become one by %s of the values that are there', (method, expected) => {
    expect([...combine(onUnion(columns, NaN), method).values]).toEqual(expected);
  });
});
