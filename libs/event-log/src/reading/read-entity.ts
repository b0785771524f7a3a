import type { StoredEvent } from '@quipu/contracts';
import type { Pool, PoolClient } from 'pg';
import { COLUMNS, storedEvent, type StoredRow } from './stored-event.js';

/** The statement of {@link readEntity}. */
export const READ_ENTITY = `
SELECT ${COLUMNS} FROM log WHERE tenant = $1 AND subject = $2 ORDER BY position`;

/** Every event about one entity that is in the table, in the order of the log. */
export async function readEntity(
  pool: Pool | PoolClient,
  tenant: string,
  subject: string,
): Promise<StoredEvent[]> {
  const { rows } = await pool.query<StoredRow>({
    text: READ_ENTITY,
    values: [tenant, subject],
    rowMode: 'array',
  });
  return rows.map(storedEvent);
}
