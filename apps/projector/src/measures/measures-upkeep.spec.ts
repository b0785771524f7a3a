import { jest } from '@jest/globals';
import { createLogger, systemClock } from '@quipu/platform';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { MeasuresUpkeep } from './measures-upkeep.js';

test('while the archive hangs, one look waits for it, however long that takes', async () => {
  jest.useFakeTimers();
  let looks = 0;
  let answer = (): void => undefined;
  const hanging = new Promise<void>((resolve) => (answer = resolve));
  const upkeep = new MeasuresUpkeep({
    pool: { query: () => Promise.resolve({ rows: [], rowCount: 0 }) } as unknown as Pool,
    writer: {
      takeUpPending: async () => {
        looks += 1;
        await hanging;
        return { taken: 0, late: 0, failed: [] };
      },
    },
    ...{ clock: systemClock, logger: createLogger('test', 'silent'), sweepMs: 100_000_000 },
  });
  upkeep.start({ getFailedCount: () => Promise.resolve(0) } as unknown as Queue, {} as Redis);
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(looks).toBe(1);
  answer();
  await jest.advanceTimersByTimeAsync(10);
  expect(looks).toBe(2);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(looks).toBe(7);
  jest.useRealTimers();
  await upkeep.stop();
});
