import fc from 'fast-check';
import { compareFacts, type EdgeFact, fieldedIntervals } from './facts.js';

interface Fields {
  user?: string;
  queue?: string;
  nodes?: number;
}

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const fields = fc
  .record({
    user: some(fc.constantFrom('a', 'b')),
    queue: some(fc.constantFrom('q', 'r')),
    nodes: some(fc.nat(3)),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));
const facts = fc
  .array(fc.record({ t: fc.nat(12), e: fc.constantFrom(1, -1, undefined), f: some(fields) }), {
    maxLength: 24,
  })
  .map((all) =>
    all
      .map(({ t, e, f }, n) => ({
        ...{ t, s: 's', i: String(n).padStart(3, '0') },
        ...(e && { e }),
        ...(f && { f }),
      }))
      .sort(compareFacts),
  ) as fc.Arbitrary<EdgeFact<Fields>[]>;

describe('the fields of the intervals of a life', () => {
  it('are the greatest facts before the next one opens, ends at that instant among them', () => {
    fc.assert(
      fc.property(facts, (all) => {
        const { intervals } = fieldedIntervals<Fields>(all, { queue: 'fallback' });
        intervals.forEach(({ fields: found }, n) => {
          const opening = intervals[n + 1]?.start ?? Infinity;
          const told = all.filter(({ t, e }) => t < opening || (t === opening && e === -1));
          expect(found).toEqual(Object.assign({ queue: 'fallback' }, ...told.map(({ f }) => f)));
        });
      }),
    );
  });

  it('are found for thousands of intervals as for few', () => {
    const cycles = 20_000;
    const many = Array.from({ length: cycles }, (_, n): EdgeFact<Fields>[] => [
      { t: 2 * n, s: 's', i: `${n}+`, e: 1, f: { nodes: n } },
      { t: 2 * n + 1, s: 's', i: `${n}-`, e: -1 },
    ]).flat();
    const { intervals } = fieldedIntervals<Fields>(many, { user: 'a' });
    expect(intervals).toHaveLength(cycles);
    expect(intervals.at(-1)).toEqual({
      start: 2 * cycles - 2,
      end: 2 * cycles - 1,
      fields: { user: 'a', nodes: cycles - 1 },
    });
  });
});
