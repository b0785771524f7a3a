import { LEDGER_PROJECTION } from '@quipu/ledger';
import { clientConfig, type Logger } from '@quipu/platform';
import { ELECTION_LOCK_CLASS } from '@quipu/projection-engine';
import { MIGRATIONS_TABLE, unmigrate } from '@quipu/schema';
import { Client } from 'pg';
import { CommandFailedError } from '../support/exit-codes.js';

/**
 * The connection that restores. While it is open nobody else can be elected to lead the projection, so a projector
 * that is started meanwhile waits.
 * @throws CommandFailedError when a projector is at work.
 */
export async function openTarget(databaseUrl: string): Promise<Client> {
  const client = new Client(clientConfig(databaseUrl, { applicationName: 'quipu-restore' }));
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ alone: boolean }>(
    `SELECT pg_try_advisory_lock($1::int, hashtext($2)) AS alone`,
    [ELECTION_LOCK_CLASS, LEDGER_PROJECTION],
  );
  if (rows[0]?.alone === true) return client;
  await client.end();
  throw new CommandFailedError('A projector is at work on this database.', {
    hint: 'Stop it first (`./quipu stop`, or where it runs), and the API with it.',
  });
}

/**
 * Makes the database as if nothing of Quipu had ever been in it.
 * @throws CommandFailedError when it holds anything and `force` is not set.
 */
export async function clearTarget(
  client: Client,
  databaseUrl: string,
  force: boolean,
  log: Logger,
): Promise<void> {
  const { rows } = await client.query<{ migrated: boolean }>(
    `SELECT to_regclass($1) IS NOT NULL AS migrated`,
    [`public.${MIGRATIONS_TABLE}`],
  );
  if (rows[0]?.migrated !== true) return;
  const held = force ? null : await whatItHolds(client);
  if (held !== null) {
    throw new CommandFailedError(`The database is not empty: it holds ${held}.`, {
      hint: 'Restore into an empty one (another QUIPU_DATA_DIR or DATABASE_URL), or add --force to lose what is there.',
    });
  }
  await unmigrate(databaseUrl, log);
}

const HELD: readonly (readonly [table: string, what: string, condition: string])[] = [
  ['log', 'events', 'true'],
  ['dead_letters', 'dead letters', 'true'],
  ['tenants', 'tenants', `origin <> 'system'`],
  ['principals', 'principals', `tenant_id <> 'superadmin' OR role <> 'superadmin'`],
];

async function whatItHolds(client: Client): Promise<string | null> {
  for (const [table, what, condition] of HELD) {
    const { rows } = await client.query<{ there: boolean }>(
      `SELECT to_regclass('public.${table}') IS NOT NULL AS there`,
    );
    if (rows[0]?.there !== true) continue;
    const found = await client.query(`SELECT FROM public.${table} WHERE ${condition} LIMIT 1`);
    if (found.rowCount === 1) return what;
  }
  return null;
}
