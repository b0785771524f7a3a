import { clientConfig } from '@quipu/platform';
import { Client } from 'pg';
import { ProjectionMissingError } from './errors.js';
import { type ProjectionHandler } from './handler.js';
import { PROJECTION_SESSION } from './leader-session.js';

/** A session that may hold one transaction for as long as maintenance takes. */
const MAINTENANCE_SESSION = {
  ...PROJECTION_SESSION,
  synchronous_commit: 'on',
  idle_in_transaction_session_timeout: 0,
  lock_timeout: 60_000,
} as const;

/** Runs `work` on a connection of its own. */
export async function withMaintenanceClient<T>(
  databaseUrl: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(
    clientConfig(databaseUrl, { applicationName: 'quipu-maintenance', session: MAINTENANCE_SESSION }),
  );
  // A connection that is lost between two queries is found by the next one.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * One transaction that owns the projection: it holds the checkpoint's row from its first statement on, so a runner's
 * batch waits, and afterwards finds position or code hash changed and forgets what it had prepared. The ledger
 * epoch becomes a new one, since mirrors made before do not belong to what the tables hold from now on.
 */
export async function ownProjection(
  client: Client,
  handler: Pick<ProjectionHandler, 'name' | 'version' | 'codeHash' | 'attach'>,
  work: (stored: { position: bigint; codeHash: string }) => Promise<{ position: bigint }>,
): Promise<void> {
  await client.query('BEGIN');
  try {
    const { rows } = await client.query<{ schema_name: string; position: string; code_hash: string }>(
      `SELECT schema_name, position, code_hash FROM projections
       WHERE name = $1 AND version = $2 AND status = 'live' FOR UPDATE`,
      [handler.name, handler.version],
    );
    const row = rows[0];
    if (row === undefined) {
      throw new ProjectionMissingError(
        `There is no live projection ${handler.name} of version ${handler.version} in this database.`,
      );
    }
    handler.attach(row.schema_name);
    const { position } = await work({ position: BigInt(row.position), codeHash: row.code_hash });
    await client.query(
      `UPDATE projections
       SET position = $3, code_hash = $4, halted_position = NULL, halted_error = NULL, halted_ms = NULL
       WHERE name = $1 AND schema_name = $2`,
      [handler.name, row.schema_name, String(position), handler.codeHash()],
    );
    await client.query(`UPDATE ledger_epoch SET epoch = gen_random_uuid()`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/**
 * Gives the space of deleted rows back to tables that are about to be filled again; with `ANALYZE` also tells the
 * planner what is in them.
 */
export async function vacuum(
  client: Client,
  tables: readonly string[],
  also: 'ANALYZE' | '' = '',
): Promise<void> {
  for (const table of tables) await client.query(`VACUUM ${also} ${table}`);
}
