import { bucketStart, sumSteps } from '@quipu/metering';
import fc from 'fast-check';
import { type Dimensions, LEVEL_CODES, type LevelChange, type LevelName } from '../entities/types.js';
import { LevelBatch } from './level-batch.js';
import { type LevelDeltas, type SumColumns } from './level-columns.js';
import { levelAt } from './level-places.js';
import { type Grain, UsageKeyCache, usageKeyId, atGrain } from './usage-keys.js';

const DAY = 86_400_000;
const START = Date.UTC(2024, 1, 28, 23, 50);

function dims(parts: Partial<Dimensions> = {}): Dimensions {
  return {
    tenant: 'acme',
    user: null,
    queue: null,
    cluster: null,
    template: null,
    provider: null,
    hardware: null,
    image: null,
    services: [],
    ...parts,
  };
}

const change = fc.record<LevelChange>({
  level: fc.constantFrom<LevelName>('nodes', 'waiting', 'running'),
  dims: fc.constantFrom(
    dims(),
    dims({ user: 'ann', cluster: 'c1' }),
    dims({ user: 'ann', cluster: 'c2' }),
    dims({ tenant: 'umbrella', services: ['db', 'web'] }),
  ),
  t: fc.oneof(
    fc.integer({ min: START, max: START + 5_000_000 }),
    fc.integer({ min: START - 400 * DAY, max: START + 70 * DAY }),
    fc.integer({ min: -100 * DAY, max: 100 * DAY }),
  ),
  d: fc.integer({ min: -1_000_000, max: 1_000_000 }).filter((d) => d !== 0),
});

const GRAINS: Grain[] = [0, 1, 2, 3];

function finish(batch: LevelBatch): LevelDeltas {
  batch.net();
  return batch.finish();
}

function rowsOf({ sums }: LevelDeltas): string[] {
  return [...rowsIn(sums.fresh), ...rowsIn(sums.known)].sort();
}

function rowsIn(sums: SumColumns): string[] {
  return Array.from(sums.bucket).flatMap((bucket, i) =>
    sums.places.flatMap(({ d, n, w, largeW, maxT }, place) => {
      const weighted = largeW.get(i) ?? w[i]!;
      if (d[i] === 0 && n[i] === 0 && Number(weighted) === 0) return [];
      const level = levelAt(sums.group[i]! - 1, place);
      return [
        [level, sums.key[i]!.id.toString('hex'), sums.kind[i], bucket, d[i], n[i], weighted, maxT[i]].join(),
      ];
    }),
  );
}

/** The rows by definition: changes of each level and key, summed by metering's own reference. */
function expectedRows(changes: readonly LevelChange[]): string[] {
  const rows: string[] = [];
  for (const [level, code] of Object.entries(LEVEL_CODES)) {
    const byKey = new Map<string, LevelChange[]>();
    for (const one of changes.filter((each) => each.level === level)) {
      for (const grain of GRAINS) {
        const id = usageKeyId(grain, atGrain(one.dims, grain)).toString('hex');
        byKey.set(id, [...(byKey.get(id) ?? []), one]);
      }
    }
    for (const [id, steps] of byKey) {
      for (const kind of [1, 2, 3] as const) {
        for (const row of sumSteps(steps, kind)) {
          rows.push([code, id, kind, row.bucket, row.d, row.n, row.w, row.maxT ?? NaN].join());
        }
      }
    }
  }
  return rows.sort();
}

describe('LevelBatch', () => {
  it('sums changes under four keys and three buckets, as metering defines them', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        for (const one of changes) batch.add(one, 1);
        expect(rowsOf(finish(batch))).toEqual(expectedRows(changes));
      }),
    );
  });

  it('takes back what it added without a trace, and begins anew after every batch', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.array(change, { maxLength: 10 }), (gone, kept) => {
        for (const one of gone) batch.add(one, 1);
        for (const one of kept) batch.add(one, 1);
        for (const one of gone) batch.add(one, -1);
        const deltas = finish(batch);
        expect(rowsOf(deltas)).toEqual(expectedRows(kept));
        expect(deltas.lowered).toEqual([]);
      }),
    );
  });

  it('leaves the rows of shared keys alone when a change moves to another cluster', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    batch.add({ level: 'nodes', dims: dims({ cluster: 'c1' }), t: START, d: 2 }, -1);
    batch.add({ level: 'nodes', dims: dims({ cluster: 'c2' }), t: START, d: 2 }, 1);
    const { sums, lowered, changes } = finish(batch);
    expect(new Set(sums.known.key.map((key) => key.grain))).toEqual(new Set([0]));
    expect(changes.known.n.length).toBe(2);
    expect(lowered.flatMap(({ key }) => key.map((one) => [one.grain, one.dims.cluster]))).toEqual([
      [0, 'c1'],
    ]);
  });

  it('tells of a latest change that moved although every sum is as it was', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    const bucket = bucketStart(1, START);
    const at = (after: number, d: number): LevelChange => ({
      level: 'running',
      dims: dims(),
      t: bucket + after,
      d,
    });
    for (const one of [at(5, 1), at(9, -1)]) batch.add(one, -1);
    for (const one of [at(1, 1), at(5, -1)]) batch.add(one, 1);
    const { sums, lowered } = finish(batch);
    expect(sums.known.places.every(({ w }) => w.every((one) => one === 0))).toBe(true);
    expect(lowered).toHaveLength(1);
    expect(lowered[0]!.retracted).toEqual(Array(4).fill(bucket + 9));
  });

  it('tells rows that cannot be there yet from those that may, in every kind of bucket', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    const at = (t: number): LevelChange => ({ level: 'nodes', dims: dims({ user: 'ann' }), t, d: 1 });
    const times = ({ fresh, known }: { fresh: SumColumns; known: SumColumns }, kind: number) =>
      [fresh, known].map((columns) =>
        [...columns.bucket].filter((_, i) => columns.kind[i] === kind && columns.key[i]!.grain === 3),
      );
    batch.add(at(START), 1);
    for (const key of batch.net()) key.latest.fill(-Infinity);
    const first = batch.finish();
    expect(first.sums.known.bucket).toHaveLength(0);
    expect([...first.changes.fresh.t]).toEqual([START]);

    const nextMonth = Date.UTC(2024, 2, 1);
    for (const t of [START - 900_000, START, START + 1_200_000, nextMonth]) batch.add(at(t), 1);
    expect(batch.net()).toEqual([]);
    const second = batch.finish();
    const quarter = bucketStart(1, START);
    expect(times(second.sums, 1)).toEqual([
      [bucketStart(1, START + 1_200_000), nextMonth],
      [quarter - 900_000, quarter],
    ]);
    expect(times(second.sums, 2)).toEqual([[Date.UTC(2024, 1, 29), nextMonth], [Date.UTC(2024, 1, 28)]]);
    expect(times(second.sums, 3)).toEqual([[nextMonth], [Date.UTC(2024, 1, 1)]]);
    expect([...second.changes.fresh.t]).toEqual([START + 1_200_000, nextMonth]);
    expect([...second.changes.known.t]).toEqual([START - 900_000, START]);
  });

  it('knows the keys that may still have to be stored', () => {
    const batch = new LevelBatch(new UsageKeyCache());
    batch.add({ level: 'nodes', dims: dims({ cluster: 'c1' }), t: START, d: 1 }, 1);
    const first = finish(batch);
    expect(first.newKeys.map((key) => key.grain).sort()).toEqual(GRAINS);
    for (const key of first.newKeys) key.stored = true;
    batch.add({ level: 'nodes', dims: dims({ cluster: 'c2' }), t: START, d: 1 }, 1);
    expect(finish(batch).newKeys.map((key) => key.dims.cluster)).toEqual(['c2']);
  });
});

describe('usage keys', () => {
  it('are forgotten by generations, and stay one object while any tuple uses them', () => {
    const cache = new UsageKeyCache(2);
    const tuple = (cluster: string) => dims({ user: 'ann', cluster });
    const first = cache.keysOf(tuple('a'));
    for (const cluster of ['b', 'c']) cache.keysOf(tuple(cluster));
    cache.trim();
    // One generation old: what a batch under way has used must still be known.
    expect(cache.keysOf(tuple('a'))).toEqual(first);
    expect(cache.keysOf(tuple('d'))[3]).toBe(first[3]);
    for (const cluster of ['e', 'f']) cache.keysOf(tuple(cluster));
    cache.trim();
    for (const cluster of ['g', 'h', 'i']) cache.keysOf(tuple(cluster));
    cache.trim();
    expect(cache.keysOf(tuple('a'))[0]).not.toBe(first[0]);
    expect(cache.keysOf(tuple('a'))[3]).toBe(cache.keysOf(tuple('i'))[3]);
  });

  it('tell tuples apart that differ only in where a text stands, or in null against empty', () => {
    const cache = new UsageKeyCache();
    const tuples = [
      dims({ user: 'a' }),
      dims({ queue: 'a' }),
      dims({ user: '' }),
      dims({ user: '', queue: '' }),
      dims({ queue: '' }),
      dims({ services: ['a'] }),
      dims({ services: ['a', 'b'] }),
      dims({ image: 'a' }),
      dims({ user: 'nt' }),
    ];
    const ids = tuples.map((tuple) => cache.keysOf(tuple)[0].id.toString('hex'));
    expect(new Set(ids).size).toBe(tuples.length);
    expect(tuples.map((tuple) => cache.keysOf({ ...tuple })[0].id.toString('hex'))).toEqual(ids);
  });

  it('are the first half of the hash of their canonical JSON, the grain included', () => {
    const id = usageKeyId(3, atGrain(dims(), 3)).toString('hex');
    expect(id).toBe('3e1b5938c5fa540adeb1ae16ca6a642b');
  });
});
