import { decodeBatch, measuresJobs } from '../measures/batch-codec.js';
import { PointsBuilder } from '../measures/points.js';
import { decodeRaw, encodeRaw } from './raw-codec.js';
import { decodeSplit, encodeSplit, SPLIT_BUCKETS } from './split-codec.js';
import { decodeTail, decodeTailOf, encodeTail } from './tail.js';

const EXACT = [
  ['constant', [1.1, 1.1, 1.1]],
  ['constant NaN', [NaN, NaN]],
  ['bytes', [0, -128, 127]],
  ['two bytes', [300, -32_768]],
  ['four bytes', [2 ** 31 - 1, -(2 ** 31)]],
  ['halves', [0.5, -2.25, NaN, Infinity, -0]],
  ['doubles', [0.1, 1e300, -0, NaN, -Infinity, 2 ** 53]],
  ['a negative zero among integers', [-0, 1, 2]],
] as const;

describe('stored values', () => {
  it.each(EXACT)('keep every bit: %s', (_, values) => {
    const column = {
      keys: Float64Array.from(values, (_, i) => 7 * SPLIT_BUCKETS + i * i),
      values: Float64Array.from(values),
    };
    expect(decodeSplit(7, encodeSplit(7, column))).toEqual(column);
  });

  it('take a byte for a small whole number, and next to nothing where all are the same', () => {
    const keys = Float64Array.from({ length: SPLIT_BUCKETS }, (_, i) => i);
    const small = encodeSplit(0, { keys, values: keys.map((key) => key % 100) });
    expect(small.length).toBeLessThan(SPLIT_BUCKETS + 16);
    const same = encodeSplit(0, { keys, values: keys.map(() => 1) });
    expect(same.length).toBeLessThan(20);
  });

  it('that were cut off are no values', () => {
    const bytes = encodeSplit(0, { keys: Float64Array.of(1, 2), values: Float64Array.of(0.1, 0.2) });
    expect(() => decodeSplit(0, bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
  });
});

describe('raw points', () => {
  it.each([
    ['none', []],
    [
      'even steps',
      [
        [1, 0],
        [2, 0],
        [3, 0],
        [10, 0],
      ],
    ],
    [
      'fractions',
      [
        [1, 5],
        [1, 6],
        [1_700_000_000, 999_999_999],
      ],
    ],
  ] as [string, [number, number][]][])('keep times and values: %s', (_, times) => {
    const builder = new PointsBuilder();
    for (const [seconds, nanos] of times) builder.add(seconds, nanos, seconds / 3);
    const points = builder.build();
    const read = decodeRaw(encodeRaw(points));
    expect([...read.seconds]).toEqual([...points.seconds]);
    expect([...read.nanos]).toEqual([...points.nanos]);
    expect([...read.values]).toEqual([...points.values]);
  });
});

describe('a tail', () => {
  const column = (keys: number[], values: number[]) => ({
    keys: Float64Array.from(keys),
    values: Float64Array.from(values),
  });
  const tail = [
    {
      granularityNs: 3_600_000_001n,
      sealedTo: 12,
      columns: new Map([
        [0, { newest: 14, column: column([12, 14], [1, 2]) }],
        // As many buckets, but others.
        [5, { newest: 13, column: column([12, 13], [3, 4]) }],
        [8, { newest: 9, column: column([], []) }],
      ]),
    },
    { granularityNs: 60_000_000_000n, sealedTo: 0, columns: new Map() },
  ];

  it('is read as it was written, whole or one method of it', () => {
    for (const openFrom of [null, { seconds: 0, nanos: 0 }, { seconds: 1_700_000_000, nanos: 999_999_999 }]) {
      expect(decodeTail(encodeTail(tail, openFrom))).toEqual({ tail, openFrom });
    }
    const std = decodeTailOf(encodeTail(tail, null), 'std');
    expect(std).toEqual(new Map([[3_600_000_001n, { ...tail[0]!.columns.get(5)!, sealedTo: 12 }]]));
  });
});

describe('a batch', () => {
  const id = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

  it('is read as it was written', () => {
    const builder = new PointsBuilder();
    builder.add(1, 500, NaN);
    builder.add(0, 0, -0);
    const [job] = measuresJobs(new Map([[id(1), builder.build()]]));
    expect(job?.data.batch).toBe(job?.id);
    expect(Buffer.from(job!.metrics, 'base64').toString('hex')).toBe('00000000');
    expect(decodeBatch(job!.data.measures)).toEqual([{ metricId: id(1), points: builder.build() }]);
  });

  it('that is too large for one job goes in several, in order', () => {
    const builder = new PointsBuilder();
    for (let i = 0; i < 150_000; i += 1) builder.add(i, 0, i);
    const jobs = measuresJobs(new Map([[id(1), builder.build()]]));
    expect(jobs.length).toBeGreaterThan(1);
    const parts = jobs.flatMap(({ data }) => decodeBatch(data.measures)!);
    expect(parts.flatMap(({ points }) => [...points.values])).toEqual([...builder.build().values]);
  });

  it('with times before the epoch, or not of this encoding, is none', () => {
    const builder = new PointsBuilder();
    builder.add(-1, 0, 1);
    const [job] = measuresJobs(new Map([[id(1), builder.build()]]));
    expect(decodeBatch(job!.data.measures)).toBeNull();
    expect(decodeBatch(Buffer.alloc(30, 7).toString('base64'))).toBeNull();
  });
});
