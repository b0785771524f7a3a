import { systemClock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { completeExpected } from '../../apps/cli/src/verify/expected-sums.js';
import { ExpectedWriter } from '../../apps/cli/src/verify/expected-writer.js';
import { foldLog } from '../../apps/cli/src/verify/fold-log.js';
import { foldParts } from '../../apps/cli/src/verify/fold-parts.js';
import { takeSnapshot } from '../../apps/cli/src/verify/snapshot.js';
import { createTables, dropTables } from '../../apps/cli/src/verify/tables.js';
import { insertLevelRows } from '../support/index.js';

/** Makes the naive fold of the whole log the content of the ledger's tables, for tests without a projection. */
export async function storeNaiveLedger(pool: Pool): Promise<void> {
  const client = await pool.connect();
  await createTables(client);
  const { head } = await takeSnapshot(client, undefined, systemClock);
  const writer = new ExpectedWriter(client);
  await foldLog(client, head, writer, () => undefined);
  await foldParts(client, writer);
  await completeExpected(client);
  await client.query(`
    BEGIN;
    TRUNCATE ledger_1.amounts, ledger_1.members, ledger_1.usage_keys, ledger_1.changes, ledger_1.level_buckets;
    INSERT INTO ledger_1.amounts SELECT family, tenant, labels, value FROM expected_amounts_once;
    INSERT INTO ledger_1.members SELECT family, tenant, labels, member, score FROM expected_members;
    INSERT INTO ledger_1.usage_keys (key_id, grain, tenant, user_id, queue, cluster, template, provider,
      hardware, image, services) SELECT * FROM expected_keys_once;
    INSERT INTO ledger_1.changes (level, t, key_id, d, n) SELECT * FROM expected_changes_once;
    ${insertLevelRows('ledger_1', 'expected_sums')};
    UPDATE projections SET position = ${head} WHERE name = 'ledger';
    COMMIT`);
  await dropTables(client);
  client.release();
}

/** Makes Redis mirror the ledger's tables, for tests without a projection. */
export async function mirrorToRedis(pool: Pool, redis: Redis): Promise<void> {
  await redis.flushdb();
  const at = await pool.query<{ position: string; epoch: string }>(
    `SELECT position, epoch FROM projections, ledger_epoch WHERE name = 'ledger'`,
  );
  const { position, epoch } = at.rows[0] ?? { position: '', epoch: '' };
  await redis.hset('{quipu}:totals', { '@position': position, '@epoch': epoch, '@generation': 'g' });
  const commands = redis.pipeline();
  const amounts = await pool.query<Record<'family' | 'tenant' | 'labels' | 'value', string>>(
    'SELECT family, tenant, labels, value FROM ledger_1.amounts',
  );
  for (const { family, tenant, labels, value } of amounts.rows) {
    commands.hset('{quipu}:totals', `${family}|${encodeURIComponent(tenant)}|${labels}`, value);
  }
  const members = await pool.query<Record<'family' | 'tenant' | 'labels' | 'member' | 'score', string>>(
    'SELECT family, tenant, labels, member, score FROM ledger_1.members',
  );
  for (const { family, tenant, labels, member, score } of members.rows) {
    const name = `${family}|${encodeURIComponent(tenant)}|${encodeURIComponent(labels)}`;
    commands.sadd('{quipu}:members:g', name).zadd(`{quipu}:members:g:${name}`, score, member);
  }
  await commands.exec();
}
