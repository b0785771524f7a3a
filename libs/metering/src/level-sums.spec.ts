import fc from 'fast-check';
import { BUCKET_KINDS, bucketEnd } from './buckets.js';
import { LevelAccumulator, integrateSteps, sumSteps } from './level-sums.js';

const STEP = fc.record({
  t: fc.integer({ min: -4_000_000_000, max: 4_000_000_000 }),
  d: fc.integer({ min: -9, max: 9 }),
});

describe('level sums', () => {
  it('answer the integral up to any instant after the last change of the buckets added', () => {
    fc.assert(
      fc.property(
        fc.array(STEP, { maxLength: 30 }),
        fc.constantFrom(...BUCKET_KINDS),
        fc.nat(5_000_000_000),
        (steps, kind, later) => {
          const rows = sumSteps(steps, kind);
          const sums = new LevelAccumulator();
          let last = -4_000_000_000;
          for (const row of rows) {
            sums.addRow(row);
            last = Math.max(last, bucketEnd(kind, row.bucket));
          }
          const to = last + later;
          expect(sums.integralTo(to)).toBe(integrateSteps(steps, -4_000_000_000, to));
        },
      ),
    );
  });

  it('stay exact where doubles are not', () => {
    const sums = new LevelAccumulator();
    for (let i = 0; i < 1000; i++) sums.addStep({ t: 253_402_300_799_999 - i, d: 1_000_000 });
    expect(sums.integralTo(253_402_300_799_999)).toBe(1_000_000n * 499_500n);
  });
});
