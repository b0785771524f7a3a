import { LEDGER_PROJECTION, parseLedgerSchema, type LedgerSchema } from '@quipu/ledger';
import type { Pool, PoolClient, QueryResultRow } from 'pg';
import type { Statement } from './statement.js';

/** The CTE every statement reads its checkpoint from, in the same snapshot as its sums. */
export const CHECKPOINT_CTE = `checkpoint AS (
  SELECT p.position, p.schema_name FROM projections p WHERE p.name = '${LEDGER_PROJECTION}' AND p.status = 'live')`;

/** The columns every statement returns with each row. */
export interface CheckpointColumns {
  position: string | null;
  schema_name: string | null;
}

/** Rows and the position they stand at. */
export interface LedgerRows<R> {
  position: bigint;
  rows: R[];
}

const GONE = new Set(['42P01', '3F000']);

/**
 * Reads the tables of the live ledger generation. Which schema that is, is remembered; each statement
 * returns the live schema's name from its own snapshot, and when that is another one (a promotion took
 * place) the statement is built and run again, so no answer mixes the sums of one generation with the
 * checkpoint of another.
 */
export class LiveLedger {
  private schema: LedgerSchema | null = null;

  constructor(private readonly pool: Pool) {}

  /**
   * Runs the statement that `build` makes for a schema; it must return CheckpointColumns in every row, and
   * at least one row. Without a live ledger the answer is empty, at position 0.
   */
  async read<R extends QueryResultRow>(
    build: (schema: LedgerSchema) => Statement,
    client: Pool | PoolClient = this.pool,
  ): Promise<LedgerRows<R>> {
    for (let attempt = 0; ; attempt += 1) {
      // In a transaction a generation that was dropped cannot be found out by trying: the error would end it.
      if (client !== this.pool) this.schema = await this.resolve(client);
      const schema = (this.schema ??= await this.resolve(client));
      if (schema === null) return { position: 0n, rows: [] };
      try {
        const { rows } = await client.query<R & CheckpointColumns>(build(schema));
        const live = rows[0]?.schema_name ?? null;
        if (live === schema) return { position: BigInt(rows[0]!.position ?? 0), rows };
        this.schema = live === null ? null : parseLedgerSchema(live);
      } catch (error) {
        this.schema = null;
        if (attempt >= 2 || !isGone(error)) throw error;
      }
    }
  }

  private async resolve(client: Pool | PoolClient): Promise<LedgerSchema | null> {
    const { rows } = await client.query<{ schema_name: string }>(
      `SELECT schema_name FROM projections WHERE name = $1 AND status = 'live'`,
      [LEDGER_PROJECTION],
    );
    return rows[0] ? parseLedgerSchema(rows[0].schema_name) : null;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && GONE.has(String(error.code));
}
