import { type ClientBase, type Pool } from 'pg';

/** Anything that runs a query: a pool, a client, a client inside a transaction. */
export type Queryable = Pick<ClientBase, 'query'> | Pick<Pool, 'query'>;

/** Where a live projection stands, read in one statement. */
export interface Checkpoint {
  readonly name: string;
  readonly version: number;
  /** Every event up to and including this position is in the projection's tables; 0 at first. */
  readonly position: bigint;
  /** Identity of this ledger's history: new at migrate, restore, promotion, rebuild and reseed. */
  readonly epoch: string;
  /** Schema that holds the projection's tables. */
  readonly schemaName: string;
  /** Hash of the code that made the tables; '' while nothing was folded yet. */
  readonly codeHash: string;
  /** The poison event the projection stands still at, or null. */
  readonly haltedPosition: bigint | null;
  readonly haltedError: string | null;
  readonly haltedMs: number | null;
  /** When the checkpoint last moved, ms. */
  readonly updatedMs: number;
}

interface CheckpointRow {
  version: number;
  position: string;
  epoch: string;
  schema_name: string;
  code_hash: string;
  halted_position: string | null;
  halted_error: string | null;
  halted_ms: string | null;
  updated_ms: string;
}

/** The one statement that reads a checkpoint; `$1` is the projection's name. */
export const READ_CHECKPOINT = `
  SELECT p.version, p.position, e.epoch, p.schema_name, p.code_hash,
         p.halted_position, p.halted_error, p.halted_ms, p.updated_ms
  FROM projections p CROSS JOIN ledger_epoch e
  WHERE p.name = $1 AND p.status = 'live'`;

const READ_BUILDING = READ_CHECKPOINT.replace(
  `p.status = 'live'`,
  `p.status = 'building' AND p.schema_name = $2`,
);

/**
 * Reads the checkpoint of the live projection `name`, or of the generation that is being built in schema `building`,
 * together with the ledger epoch; null when there is none.
 * Inside a REPEATABLE READ transaction it belongs to the same snapshot as every sum read there.
 */
export async function readCheckpoint(
  client: Queryable,
  name: string,
  building?: string,
): Promise<Checkpoint | null> {
  const query =
    building === undefined
      ? { text: READ_CHECKPOINT, values: [name] }
      : { text: READ_BUILDING, values: [name, building] };
  const { rows } = await (client as Pick<ClientBase, 'query'>).query<CheckpointRow>(query);
  const row = rows[0];
  if (row === undefined) return null;
  return {
    name,
    version: row.version,
    position: BigInt(row.position),
    epoch: row.epoch,
    schemaName: row.schema_name,
    codeHash: row.code_hash,
    haltedPosition: row.halted_position === null ? null : BigInt(row.halted_position),
    haltedError: row.halted_error,
    haltedMs: row.halted_ms === null ? null : Number(row.halted_ms),
    updatedMs: Number(row.updated_ms),
  };
}
