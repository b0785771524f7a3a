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
