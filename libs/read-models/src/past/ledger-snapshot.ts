import { type ArchivedLog, LogArchive } from '@quipu/event-log';
import { LEDGER_PROJECTION, type LedgerSchema, parseLedgerSchema } from '@quipu/ledger';
import { withTransaction } from '@quipu/platform';
import type { Pool, PoolClient } from 'pg';

/** One snapshot of log and ledger: everything read through `client` belongs together. */
export interface LedgerSnapshot {
  readonly client: PoolClient;
  /** Null while there is no live ledger. */
  readonly schema: LedgerSchema | null;
  /** The checkpoint: every event up to here is in the numbers. */
  readonly position: bigint;
  /** The beginning of the log, where it is in files: what the table holds below its end is left out. */
  readonly archived: ArchivedLog;
}

/** A missing table or schema, and what every statement after that says in the same transaction. */
const GONE = new Set(['42P01', '3F000', '25P02']);

/**
 * Runs `work` in one read-only snapshot. When the generation it reads is dropped meanwhile (a promotion took place),
 * the work starts again, on the generation that took its place; so it must have no effect before it returns, or ask for
 * one attempt.
 */
export async function inLedgerSnapshot<T>(
  pool: Pool,
  work: (snapshot: LedgerSnapshot) => Promise<T>,
  {
    attempts = 3,
    archive = new LogArchive(null),
  }: { readonly attempts?: number; readonly archive?: LogArchive } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withTransaction(
        pool,
        async (client) => {
          const { rows } = await client.query<{ schema_name: string; position: string }>(
            `SELECT schema_name, position FROM projections WHERE name = $1 AND status = 'live'`,
            [LEDGER_PROJECTION],
          );
          const live = rows[0];
          const schema = live === undefined ? null : parseLedgerSchema(live.schema_name);
          const archived = await archive.seenBy(client);
          return work({ client, schema, position: BigInt(live?.position ?? 0), archived });
        },
        { isolation: 'repeatable read', readOnly: true },
      );
    } catch (error) {
      if (attempt >= attempts || !isGone(error)) throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && GONE.has(String(error.code));
}
