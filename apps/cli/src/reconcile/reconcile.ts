import { LEDGER_PROJECTION, parseLedgerSchema } from '@quipu/ledger';
import { withTransaction } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { type Redis } from 'ioredis';
import { type Pool } from 'pg';
import { CommandFailedError } from '../support/exit-codes.js';
import { meetRedis } from '../verify/redis-meeting.js';
import { compareTotals, type SeriesDrift } from './compare-totals.js';

/**
 * How the totals in Redis stand to Postgres. `equal` or `drifted`: compared at one position of one epoch; `stale`:
 * they stand behind the checkpoint and do not follow; `unusable`: nobody is answered from them (away, none, torn,
 * or of another epoch); `passed`: they always were further on than the snapshot, and nothing was compared.
 */
export interface Reconciliation {
  readonly state: 'equal' | 'drifted' | 'stale' | 'unusable' | 'passed';
  /** In words, where nothing was compared. */
  readonly reason: string | null;
  readonly position: string;
  readonly epoch: string;
  /** Series compared. */
  readonly series: number;
  readonly drifts: readonly SeriesDrift[];
}

/** A busy projection outruns a snapshot now and then, not so often in a row. */
const ATTEMPTS = 100;

/** Compares the totals in Redis with Postgres at a position where both stand, beside a running system. */
export async function reconcile(pool: Pool, redis: Redis, waitMs: number): Promise<Reconciliation> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await compareOnce(pool, redis, waitMs);
    if (result.state !== 'passed' || attempt === ATTEMPTS) return result;
  }
}

function compareOnce(pool: Pool, redis: Redis, waitMs: number): Promise<Reconciliation> {
  return withTransaction(
    pool,
    async (client) => {
      // Waiting for Redis may take as long as a writer's session may idle, and nobody waits for this one.
      await client.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      const live = await readCheckpoint(client, LEDGER_PROJECTION);
      if (live === null) throw new CommandFailedError('There is no live ledger in this database.');
      const at = { position: String(live.position), epoch: live.epoch };
      const nothing = { ...at, series: 0, drifts: [] };
      const met = await meetRedis(redis, live.position, live.epoch, waitMs);
      if (met.state === 'passed') {
        return { ...nothing, state: 'passed', reason: 'Redis was always further on than a snapshot' };
      }
      if (met.state !== 'met') {
        return { ...nothing, state: met.state === 'stale' ? 'stale' : 'unusable', reason: met.reason };
      }
      const { series, drifts } = await compareTotals(client, parseLedgerSchema(live.schemaName), met);
      return { ...at, series, drifts, state: drifts.length === 0 ? 'equal' : 'drifted', reason: null };
    },
    { isolation: 'repeatable read' },
  );
}
