import { PointsBuilder } from '../measures/points.js';
import type { ArchivePolicy } from '../policy/archive-policy.js';
import { NEW_SERIES, runPass, type SeriesState } from './pass.js';

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
