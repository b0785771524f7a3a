import { Client, type Pool } from 'pg';
import { clientConfig } from '@quipu/platform';
import { MIGRATIONS_TABLE, migrations } from './data-source.js';

/**
 * The names of the migrations that have not run on this database, in order. Two cheap reads: fit for a
 * health check, which passes its pool.
 */
export async function pendingMigrations(database: string | Pool): Promise<string[]> {
  if (typeof database !== 'string') return pending(database);
  const client = new Client(clientConfig(database, { applicationName: 'quipu-migrate' }));
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await pending(client);
  } finally {
    await client.end();
  }
}

async function pending(client: Pick<Client | Pool, 'query'>): Promise<string[]> {
  const names = migrations.map((migration) => migration.name).sort(byTimestamp);
  const table = await client.query<{ found: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS found`, [
    MIGRATIONS_TABLE,
  ]);
  if (!table.rows[0]?.found) return names;
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE}`);
  const ran = new Set(rows.map((row) => row.name));
  return names.filter((name) => !ran.has(name));
}

function byTimestamp(a: string, b: string): number {
  return Number(a.slice(-13)) - Number(b.slice(-13));
}
