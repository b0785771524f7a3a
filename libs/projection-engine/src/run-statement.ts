import { type ClientBase, type QueryResult } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { type Statement } from './handler.js';

/**
 * Runs one statement of a batch on a client that has no other one under way.
 * @returns its rows; for COPY none.
 * @throws the driver's error.
 */
export async function runStatement(
  client: Pick<ClientBase, 'query'>,
  statement: Statement,
): Promise<Pick<QueryResult, 'rows'>> {
  const { name, text, values, copy } = statement;
  if (copy !== undefined) {
    await runCopy(client, text, copy);
    return { rows: [] };
  }
  if (values.length === 0) return client.query(text);
  return client.query({ name, text, values: [...values] });
}

function runCopy(client: Pick<ClientBase, 'query'>, text: string, rows: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(text));
    // Not before Postgres is ready for the next statement: a COPY may still fail after its last byte.
    stream.once('finish', resolve);
    stream.once('error', reject);
    stream.end(rows);
  });
}
