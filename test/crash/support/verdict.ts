import { systemClock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { ledgerStates } from '../../../apps/cli/src/support/ledger-states.js';
import { runVerify } from '../../../apps/cli/src/verify/run-verify.js';

/**
 * Folds the log anew with the naive implementation and expects no difference to any summary, any member,
 * any Redis total and what the stored states come to, which must have been there to compare.
 */
export async function expectExact(stores: { pool: Pool; redis: Redis }): Promise<void> {
  const report = await runVerify({ ...stores, clock: systemClock, states: ledgerStates() });
  expect({ ...report, examples: report.examples }).toMatchObject({
    examples: [],
    differences: 0,
    redis: { compared: true },
    ok: true,
  });
  expect(report.position).toBe(report.head);
}
