import type { PoolClient, QueryResultRow } from 'pg';

const CHUNK = 1_000;
let serial = 0;

/**
 * The rows of a query, chunk by chunk, so that no more than one chunk is in memory; inside a transaction only. A
 * consumer that stops early closes the cursor.
 */
export async function* chunksOf<R extends QueryResultRow>(
  client: PoolClient,
  text: string,
  values: readonly unknown[],
  size = CHUNK,
): AsyncGenerator<R[]> {
  const name = `chunks_${(serial += 1)}`;
  await client.query(`DECLARE ${name} NO SCROLL CURSOR FOR ${text}`, [...values]);
  let failed = false;
  try {
    for (;;) {
      const { rows } = await client.query<R>(`FETCH ${size} FROM ${name}`);
      if (rows.length > 0) yield rows;
      if (rows.length < size) return;
    }
  } catch (error) {
    // The transaction is gone with its cursors: closing one would hide what happened.
    failed = true;
    throw error;
  } finally {
    if (!failed) await client.query(`CLOSE ${name}`);
  }
}
