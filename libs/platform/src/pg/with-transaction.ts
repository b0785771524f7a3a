import type { Pool, PoolClient } from 'pg';
import { StoreUnavailableError } from '../errors.js';

/** Options of {@link withTransaction}. */
export interface TransactionOptions {
  /** Default `read committed`. */
  readonly isolation?: 'read committed' | 'repeatable read';
  readonly readOnly?: boolean;
}

/**
 * Runs `work` in one transaction and commits. Whatever `work` throws rolls back and is thrown on; a lost
 * connection is removed from the pool. When COMMIT itself fails its outcome is unknown: callers re-read.
 * @throws StoreUnavailableError when Postgres answered COMMIT with a rollback, because a statement had
 *   failed and `work` swallowed the error.
 */
export async function withTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    const isolation = (options.isolation ?? 'read committed').toUpperCase();
    await client.query(`BEGIN ISOLATION LEVEL ${isolation}${options.readOnly ? ' READ ONLY' : ''}`);
    const result = await work(client);
    const commit = await client.query('COMMIT');
    if (commit.command !== 'COMMIT')
      throw new StoreUnavailableError('The transaction was rolled back at COMMIT.');
    return result;
  } catch (error) {
    try {
      await client.query('ROLLBACK');
    } catch (rollbackError) {
      // A session that cannot roll back may still hold the transaction open: it must not be handed out again.
      failure = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    }
    throw error;
  } finally {
    client.release(failure);
  }
}
