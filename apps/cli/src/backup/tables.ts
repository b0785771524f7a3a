import { type LedgerSchema } from '@quipu/ledger';
import { type ClientBase } from 'pg';
import { type TableHead } from './format.js';

/** What is kept, in an order in which references find what they refer to. */
const KEPT = [
  ...['tenants', 'principals', 'api_keys', 'audit'],
  ...['event_ids', 'log', 'log_digests', 'dead_letters'],
  ...['projections', 'projection_skips'],
  ...['archive_policies', 'archive_rules', 'archive_resources', 'archive_metrics'],
  ...['archive_batches', 'archive_pending', 'archive_dropped', 'archive_series', 'archive_splits'],
];

/** The live ledger is copied as it stands: that is several times faster than folding the log again, and as exact. */
const KEPT_OF_LEDGER = ['usage_keys', 'entities', 'amounts', 'members', 'changes', 'level_buckets'];

/**
 * What is not kept: migrations and partitions make themselves anew, archives are named in the head, so do the counters of ingest as far as dead letters
 * tell, what the sweeper knows is read from the log again, and a restored ledger must have an epoch of its own, or a Redis of before would be taken for its mirror;
 * a restored log is another one, whose counters begin anew.
 */
export const NOT_KEPT: readonly string[] = [
  ...['schema_migrations', 'log_partitions', 'log_archives', 'ledger_epoch', 'ingest_counts'],
  ...['log_identity'],
  ...['sweeper_state', 'sweeper_lives', 'sweeper_endings'],
];

/** Every table of a backup, qualified, in the order of restoring. */
export function keptTables(ledger: LedgerSchema): string[] {
  return [...KEPT.map((name) => `public.${name}`), ...KEPT_OF_LEDGER.map((name) => `${ledger}.${name}`)];
}

/** Those of some tables that a database has: one of an older version lacks those that came later. */
export async function presentTables(client: ClientBase, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place)
      WHERE to_regclass(name) IS NOT NULL ORDER BY place`,
    [tables],
  );
  return rows.map(({ name }) => name);
}

/** A table with the columns that hold something of their own, quoted where SQL needs it. */
export async function describeTable(client: ClientBase, table: string): Promise<TableHead> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [table],
  );
  return { table, columns: rows.map(({ name }) => name) };
}

/**
 * The statement that reads a table: of the projections only the live one, since only its tables are kept; of the log what
 * is not archived.
 */
export function copyOut({ table, columns }: TableHead, logFrom: bigint): string {
  const conditions: Record<string, string> = {
    'public.projections': ` WHERE status = 'live'`,
    'public.log': ` WHERE position >= ${logFrom}`,
  };
  const only = conditions[table] ?? '';
  return `COPY (SELECT ${columns.join(', ')} FROM ${table}${only}) TO STDOUT`;
}

/** The statement that fills a table. */
export function copyIn({ table, columns }: TableHead): string {
  return `COPY ${table} (${columns.join(', ')}) FROM STDIN`;
}
