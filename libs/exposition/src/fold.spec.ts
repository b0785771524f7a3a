import fc from 'fast-check';
import { bucketIndex } from './buckets.js';
import { foldHistograms, foldSeries, OTHER } from './fold.js';
import { labelText } from './labels.js';
import { addValues } from './numbers.js';
import { type Series, type Value } from './types.js';

const other = labelText([['queue', OTHER]]);
const named = (name: string): ReturnType<typeof labelText> => labelText([['queue', name]]);
const total = (values: readonly Value[]): Value => values.reduce((sum, value) => addValues(sum, value), 0n);

describe('the budget of a family', () => {
  it('leaves a family alone that keeps to it', () => {
    const series: Series[] = [{ labels: named('a'), value: 1 }];
    expect(foldSeries(series, 1, other)).toEqual({ series, folded: 0 });
  });

  it('keeps the first and sums the others, exactly', () => {
    const series: Series[] = [
      { labels: named('a'), value: '1', created: '30' },
      { labels: named('b'), value: '9007199254740993', created: '20' },
      { labels: named('c'), value: 2n, created: '10.5' },
    ];
    const { series: left, folded } = foldSeries(series, 2, other);
    expect(folded).toBe(2);
    expect(left[0]).toBe(series[0]);
    expect(left[1]).toEqual({ labels: other, value: '9007199254740995', created: '10.5' });
  });

  it('adds histograms bucket by bucket', () => {
    const { series, folded } = foldHistograms(
      [
        { labels: named('a'), counts: [1, undefined, 2], sum: '0.1' },
        { labels: named('b'), counts: ['3'], sum: '0.2' },
        { labels: named('c'), counts: [0, 5n, 0] },
      ],
      1,
      other,
    );
    expect(folded).toBe(3);
    expect(series).toEqual([{ labels: other, counts: ['4', 5n, '2'], sum: '0.3' }]);
  });

  it('never exceeds the budget and never changes a sum', () => {
    const world = fc.record({
      values: fc.array(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })),
      budget: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(world, ({ values, budget }) => {
        const series = values.map((value, i) => ({ labels: named(String(i)), value }));
        const folded = foldSeries(series, budget, other);
        expect(folded.series.length).toBeLessThanOrEqual(budget);
        expect(folded.series.length + Math.max(0, folded.folded - 1)).toBe(series.length);
        expect(BigInt(total(folded.series.map(({ value }) => value)))).toBe(
          values.reduce((a, b) => a + b, 0n),
        );
      }),
    );
  });
});

describe('bounds that have been changed', () => {
  it.each([
    ['5', 1],
    ['1', 0],
    ['0.5', 0],
    ['7', 2],
    ['1000', 3],
    ['+Inf', 3],
  ])('what was counted under %s goes to bucket %i', (le, index) => {
    expect(bucketIndex(['1', '5', '10', '+Inf'], le)).toBe(index);
  });
});
