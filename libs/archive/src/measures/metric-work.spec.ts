import type { ClientBase } from 'pg';
import { AGGREGATION_METHODS } from '../policy/archive-policy.js';
import { splitOf } from '../series/split-codec.js';
import { type MetricWork, workOn } from './metric-work.js';
import { PointsBuilder } from './points.js';

test('splits of many metrics are read and given to be written a portion at a time', async () => {
  const definition = [{ granularityNs: 1_000_000_000n, points: null, timespanNs: null }];
  const policy = { name: 'all', backWindow: 0, definition, aggregationMethods: AGGREGATION_METHODS };
  const builder = new PointsBuilder();
  for (let i = 0; i < 100; i += 1) builder.add(7_200 + i, 0, i);
  const work: MetricWork[] = Array.from({ length: 12 }, (_, i) => ({
    ...{ id: `metric-${i}`, policy, row: null, chunks: [builder.build()] },
  }));
  const asked: string[] = [];
  const client = {
    query: (_: string, [ids]: string[]) => {
      asked.push(ids!);
      return Promise.resolve({ rows: [] });
    },
  } as unknown as ClientBase;
  const series: string[] = [];
  for await (const done of workOn(client, work)) {
    // Nothing of the next portion is read before this one is written.
    expect(asked).toHaveLength(1);
    expect(asked.pop()!.split(',').length).toBeLessThanOrEqual(6);
    expect(new Set(done.splits.map(({ split }) => split))).toEqual(new Set([splitOf(7_200)]));
    series.push(...done.series.map(({ id }) => id));
  }
  expect(series).toEqual(work.map(({ id }) => id));
});
