import { oldPartitions, type Partition } from './partitions.js';

/** Partitions of 100 positions, the n-th last recorded at n seconds; null: it is empty. The last is not settled. */
function partitions(...recorded: (number | null)[]): Partition[] {
  return recorded.map((ms, i) => ({
    ...{ first: BigInt(i * 100), end: BigInt(i * 100 + 100), events: ms === null ? 0 : 100, bytes: 1 },
    ...{ firstRecordedMs: ms, lastRecordedMs: ms, settled: i < recorded.length - 1 },
  }));
}

const firsts = (found: readonly Partition[]): number[] => found.map(({ first }) => Number(first));

describe('old partitions', () => {
  it('are those before the first that is not old', () => {
    const all = partitions(1, 2, 3, 4, 5);
    const found = (wish: Parameters<typeof oldPartitions>[1]): number[] =>
      firsts(oldPartitions(all, wish).old);
    expect(found({ keep: 0 })).toEqual([0, 100, 200, 300]);
    expect(found({ keep: 3 })).toEqual([0]);
    expect(found({ keep: 9 })).toEqual([]);
    expect(found({ beforeMs: 3 })).toEqual([0, 100]);
    expect(found({ beforePosition: 250n })).toEqual([0, 100]);
    expect(found({ beforeMs: 3, beforePosition: 150n, keep: 0 })).toEqual([0]);
    expect(oldPartitions(all, { keep: 0 }).blockedBy).toBeNull();
  });

  it('end at one without events, which is named when old ones are behind it', () => {
    const all = partitions(1, null, 3, null, 5);
    expect(oldPartitions(all, { keep: 0 })).toEqual({ old: [all[0]], blockedBy: all[1] });
    expect(oldPartitions(all, { beforeMs: 4 })).toEqual({ old: [all[0]], blockedBy: all[1] });
    expect(oldPartitions(all, { beforeMs: 3 })).toEqual({ old: [all[0]], blockedBy: null });
    expect(oldPartitions(all.slice(3), { keep: 0 })).toEqual({ old: [], blockedBy: null });
  });
});
