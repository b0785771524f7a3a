import fc from 'fast-check';
import { type Edge, walkEdges } from './intervals.js';

const start = (t: number): Edge => ({ t, kind: 'start' });
const end = (t: number): Edge => ({ t, kind: 'end' });

describe('walkEdges', () => {
  it('counts every life: allocate 0, release 10, allocate 20, release 30 is twenty', () => {
    expect(walkEdges([start(0), end(10), start(20), end(30)])).toEqual({
      intervals: [
        { start: 0, end: 10 },
        { start: 20, end: 30 },
      ],
      held: 0,
    });
  });

  it('treats a second start of a live entity as the same life', () => {
    expect(walkEdges([start(0), start(5), end(10)]).intervals).toEqual([{ start: 0, end: 10 }]);
  });

  it('opens the next interval with a start left over at the closing instant', () => {
    expect(walkEdges([start(0), end(10), start(10)]).intervals).toEqual([
      { start: 0, end: 10 },
      { start: 10, end: null },
    ]);
  });

  it('holds ends that meet nothing open', () => {
    expect(walkEdges([end(3), start(5)])).toEqual({ intervals: [{ start: 5, end: null }], held: 1 });
    expect(walkEdges([start(0), end(4), end(4), end(4)]).held).toBe(2);
  });

  it('cancels a start and an end of one instant while down', () => {
    expect(walkEdges([start(5), end(5)])).toEqual({ intervals: [], held: 0 });
  });

  it('depends on the set of edges only, and its intervals are disjoint and ordered', () => {
    const edge = fc.record({
      t: fc.integer({ min: 0, max: 12 }),
      kind: fc.constantFrom('start' as const, 'end' as const),
    });
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 14 }), fc.infiniteStream(fc.nat()), (edges, random) => {
        const keyed = edges.map((e) => ({ e, k: random.next().value as number }));
        const shuffled = keyed.sort((a, b) => a.k - b.k).map(({ e }) => e);
        const walk = walkEdges(edges);
        expect(walkEdges(shuffled)).toEqual(walk);
        walk.intervals.forEach((interval, i) => {
          const next = walk.intervals[i + 1];
          if (next !== undefined) expect(interval.end).not.toBeNull();
          if (next !== undefined) expect(next.start).toBeGreaterThanOrEqual(interval.end!);
        });
      }),
    );
  });
});
