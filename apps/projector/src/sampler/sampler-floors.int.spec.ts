import { createLogger, ManualClock } from '@quipu/platform';
import {
  GenerationStore,
  KEPT_GENERATIONS,
  type MetricPoint,
  type PointTotalsReader,
} from '@quipu/read-models';
import { testRedis } from '../../../../test/support/index.js';
import { Sampler } from './sampler.js';

test('counters do not fall over generations that were taken while totals could not be read', async () => {
  const redis = await testRedis();
  const store = new GenerationStore(redis.redis, KEPT_GENERATIONS, 60_000);
  const clock = new ManualClock(Date.UTC(2026, 2, 2, 12));
  let value: number | null = 90_000;
  const read: PointTotalsReader['read'] = () =>
    Promise.resolve(
      value === null
        ? ('missing' as const)
        : {
            epoch: 'e1',
            totals: {
              waiting: [],
              family: (name) => ({
                ...{ name, structure: 1 },
                series: new Map(
                  name === 'quipu_node_seconds'
                    ? [['x', { tenant: 'acme', labels: {}, value: String(value) }]]
                    : [],
                ),
              }),
            },
          },
    );
  // Each generation is taken by another sampler.
  const shown = async (): Promise<number | undefined> => {
    const look = (): Promise<MetricPoint[]> =>
      Promise.resolve([{ id: 'host', metric: 'netin', type: 'counter', value: 7 }]);
    const one = new Sampler({
      ...{ store, totals: { read }, host: { look }, clock, logger: createLogger('test', 'silent') },
      leaseMs: 600_000,
    });
    expect(await one.tick()).toBe('stored');
    await one.stop();
    clock.advance(10_000);
    const [newest] = await store.read('newest', 'tenant/acme');
    const points = newest!.lines().map((line) => JSON.parse(line) as MetricPoint);
    return points.find(({ metric }) => metric === 'node_seconds')?.value;
  };
  try {
    expect(await shown()).toBe(90);
    value = null;
    expect(await shown()).toBeUndefined();
    expect(await shown()).toBeUndefined();
    value = 80_000;
    expect(await shown()).toBe(90);
  } finally {
    await redis.release();
  }
});
