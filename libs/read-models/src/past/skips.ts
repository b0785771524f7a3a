import { LEDGER_PROJECTION } from '@quipu/ledger';
import type { PoolClient } from 'pg';

/** The positions that an operator had the ledger leave out; a handful, if any. */
export async function readSkips(client: PoolClient): Promise<Set<bigint>> {
  const { rows } = await client.query<{ position: string }>(
    'SELECT position FROM projection_skips WHERE name = $1',
    [LEDGER_PROJECTION],
  );
  return new Set(rows.map(({ position }) => BigInt(position)));
}
