import type { PoolClient } from 'pg';
import { ExpectedWriter } from './expected-writer.js';
import type { Contributions } from './naive/contributions.js';

/** A stored state of an entity. */
export interface StoredState {
  readonly tenant: string;
  /** Code of the kind of entity. */
  readonly kind: number;
  readonly id: string;
  /** JSON. */
  readonly state: string;
}

/** Who can read states: the ledger itself, since what is in them is its own affair. */
export interface StateReader {
  /** States that other code has made are left alone. */
  readonly codeHash: string;
  /** What an entity comes to by its state. May throw, if the state is none. */
  contributionsOf(entity: StoredState): Contributions;
}

const PAGE = 2_000;

/**
 * Sums what the stored states come to. The ledger adds to its sums what an entity comes to after an event, less what
 * its state came to before: a state that is wrong makes the next number wrong, though all of today's are right.
 */
export async function foldStates(client: PoolClient, reader: StateReader): Promise<void> {
  const writer = new ExpectedWriter(client, 'stated');
  let after = '0';
  for (;;) {
    const { rows } = await client.query<StoredState & { n: string }>(
      `SELECT n, tenant, kind, id, state FROM found_states WHERE n > $1 ORDER BY n LIMIT ${PAGE}`,
      [after],
    );
    for (const row of rows) {
      // A state that cannot be read comes to nothing: what the log comes to is missing then.
      const contributions = read(reader, row);
      if (contributions !== null) writer.addContributions(contributions);
    }
    await writer.flushIfLarge();
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.n ?? after;
  }
  await writer.flush();
  await client.query(`
    CREATE TEMP TABLE stated_amounts_once AS
      SELECT family, tenant, labels, sum(value) AS value FROM stated_amounts
      GROUP BY family, tenant, labels HAVING sum(value) <> 0;
    CREATE TEMP TABLE stated_changes_once AS
      SELECT level, t, key_id, sum(d)::bigint AS d, sum(n)::bigint AS n FROM stated_changes
      GROUP BY level, t, key_id`);
}

function read(reader: StateReader, entity: StoredState): Contributions | null {
  try {
    return reader.contributionsOf(entity);
  } catch {
    return null;
  }
}
