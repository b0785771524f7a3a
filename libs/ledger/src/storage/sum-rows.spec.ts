import fc from 'fast-check';
import { ExactSum } from './exact-sum.js';
import { ChangeRows } from './grouped-rows.js';
import { PLACES } from './level-places.js';
import { SumRows } from './sum-rows.js';

describe('ExactSum', () => {
  it('is exact far beyond safe integers', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const sum = new ExactSum();
        for (const value of values) sum.add(value);
        const exact = values.reduce((total, value) => total + BigInt(value), 0n);
        expect(BigInt(sum.value)).toBe(exact);
        expect(sum.isZero).toBe(exact === 0n);
      }),
    );
  });
});

describe('ChangeRows', () => {
  it('finds every row again, also after it has grown and been cleared', () => {
    const rows = new ChangeRows();
    for (let round = 0; round < 2; round++) {
      const keys = Array.from({ length: 5_000 }, (_, i) => [i % 37, (i - 2_500) * 900_000] as const);
      const places = keys.map(([group, time]) => rows.rowOf(group, time));
      expect(new Set(places).size).toBe(5_000);
      expect(rows.count).toBe(5_000);
      keys.forEach(([group, time], i) => expect(rows.rowOf(group, time)).toBe(places[i]));
      rows.clear();
      expect(rows.count).toBe(0);
    }
  });
});

describe('SumRows', () => {
  const month = 31 * 86_400_000;
  const step = fc.record({
    after: fc.integer({ min: 0, max: month }),
    d: fc.integer({ min: -1_000_000, max: 1_000_000 }),
  });

  it('weighs changes exactly, however many of the greatest there are', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(1, 1_000, 100_000), (steps, height) => {
        const rows = new SumRows();
        const bucket = -month;
        const place = rows.rowOf(3, bucket) * PLACES + 1;
        for (const { after, d } of steps) rows.add(place, bucket + after, d * height, 1);
        const exact = steps.reduce((sum, { after, d }) => sum + BigInt(d * height) * BigInt(after), 0n);
        expect(rows.large(place) ?? BigInt(rows.small[place]!)).toBe(exact);
      }),
    );
  });
});
