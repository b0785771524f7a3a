import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
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
    // Resolves when Postgres is ready for the next statement: a COPY may still fail after its last byte.
    await pipeline(Readable.from(copy()), client.query(copyFrom(text)));
    return { rows: [] };
  }
  if (values.length === 0) return client.query(text);
  return client.query({ name, text, values: [...values] });
}
