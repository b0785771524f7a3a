import { PointsBuilder } from '../measures/points.js';
import { AGGREGATION_METHODS, type ArchivePolicy } from '../policy/archive-policy.js';
import { NEW_SERIES, runPass, type SeriesState } from './pass.js';
import { reseal } from './reseal.js';

const MINUTE = 60;

function policy(backWindow: number): ArchivePolicy {
  const definition = [{ granularityNs: 60_000_000_000n, points: null, timespanNs: null }];
  return { name: 'minutes', backWindow, definition, aggregationMethods: ['count'] };
}

function pass(backWindow: number, state: SeriesState, buckets: readonly number[]) {
  const builder = new PointsBuilder();
  for (const bucket of buckets) builder.add(bucket * MINUTE + 1, 0, 1);
  return runPass(policy(backWindow), state, [builder.build()]);
}

const from100To119 = Array.from({ length: 20 }, (_, i) => 100 + i);
const keysOf = ({ tail }: SeriesState): number[] => [...tail[0]!.columns.values()].flatMap(({ column }) => [...column.keys]); // prettier-ignore

test('a window that is made wider takes nothing whose neighbours were forgotten: what was aggregated stays', () => {
  const { state } = pass(0, NEW_SERIES, from100To119);
  const widened = pass(15, state, [110]);
  expect(widened).toMatchObject({ taken: 0, late: 1 });
  expect(keysOf(widened.state)).toEqual(from100To119);
  // It opens with the blocks that come.
  const later = pass(15, widened.state, [120, 121]);
  expect(pass(15, later.state, [118, 119, 120])).toMatchObject({ taken: 2, late: 1 });
  expect(keysOf(pass(15, later.state, [119]).state)).toEqual([...from100To119, 120, 121]);
});

test('a window that is made narrower and wide again has forgotten what it closed for', () => {
  const wide = pass(15, NEW_SERIES, from100To119);
  expect(pass(15, wide.state, [105])).toMatchObject({ taken: 1, late: 0 });
  const narrow = pass(0, wide.state, [119]);
  expect(pass(15, narrow.state, [105])).toMatchObject({ taken: 0, late: 1 });
});

test('with every method there is, splits are rewritten once in many buckets', () => {
  const all = { ...policy(0), aggregationMethods: AGGREGATION_METHODS };
  let state = NEW_SERIES;
  let reseals = 0;
  for (let bucket = 0; bucket < 300; bucket += 1) {
    const builder = new PointsBuilder();
    builder.add(bucket * MINUTE, 0, bucket);
    const result = runPass(all, state, [builder.build()]);
    reseals += result.reseals.length;
    const tail = result.reseals.reduce((before, change) => reseal(before, change, new Map()).tail, result.state.tail); // prettier-ignore
    state = { ...result.state, tail };
  }
  expect(reseals).toBeGreaterThan(0);
  expect(reseals).toBeLessThan(10);
});

test('what is kept of a metric has a limit: the window closes first, then what there is no room for is dropped', () => {
  const MOST = 100;
  const many = (state: SeriesState, bucket: number, from: number, count: number) => {
    const builder = new PointsBuilder();
    for (let i = from; i < from + count; i += 1) builder.add(bucket * MINUTE, i, 1);
    return runPass(policy(3), state, [builder.build()], MOST);
  };
  const counts = ({ tail }: SeriesState): number[] => [...tail[0]!.columns.values()].flatMap(({ column }) => [...column.values]); // prettier-ignore
  let { state } = many(NEW_SERIES, 100, 0, 60);
  // The block before is let go: nothing of it is lost, but it takes no more.
  ({ state } = many(state, 101, 0, 60));
  expect(state.raw.values).toHaveLength(60);
  expect(many(state, 100, 70, 1)).toMatchObject({ taken: 0, late: 1 });
  const full = many(state, 101, 60, 60);
  expect(full).toMatchObject({ taken: 40, late: 20 });
  expect(full.state.raw.values).toHaveLength(MOST);
  expect(many(full.state, 101, 200, 5)).toMatchObject({ taken: 0, late: 5 });
  // The next block begins anew.
  const next = many(full.state, 102, 0, 250);
  expect(next).toMatchObject({ taken: 100, late: 150 });
  expect(counts(next.state)).toEqual([60, 100, 100]);
  // Also from the beginning.
  expect(many(NEW_SERIES, 100, 0, 150)).toMatchObject({ taken: 100, late: 50 });
});
