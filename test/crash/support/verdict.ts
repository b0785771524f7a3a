import { systemClock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { runVerify } from '../../../apps/cli/src/verify/run-verify.js';

/**
 * Folds the log anew with the naive implementation and expects no difference to any summary, any member and
 * any Redis total, which must have been there to compare.
 */
export async function expectExact(stores: { pool: Pool; redis: Redis }): Promise<void> {
  const report = await runVerify({ ...stores, clock: systemClock });
  expect({ ...report, examples: report.examples }).toMatchObject({
    examples: [],
    differences: 0,
    redis: { compared: true },
    ok: true,
  });
  expect(report.position).toBe(report.head);
}
