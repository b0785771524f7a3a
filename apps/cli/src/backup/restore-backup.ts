import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { recordAudit } from '@quipu/access';
import { type ArchivedLog, LogArchive } from '@quipu/event-log';
import { LEDGER_1, ledgerTables, parseLedgerSchema } from '@quipu/ledger';
import { type Clock, type Logger, UsageError } from '@quipu/platform';
import { migrate, migrations } from '@quipu/schema';
import { type Client } from 'pg';
import { type CopyStreamQuery, from as copyFrom } from 'pg-copy-streams';
import { LOCAL_ACTOR } from '../support/scope.js';
import { checkDigests } from './check-digests.js';
import { type BackupEnd, type BackupHead } from './format.js';
import { checkNamed, noteNamed } from './named-archives.js';
import { type BackupSink, readBackup } from './read-backup.js';
import { copyIn, describeTable, keptTables, presentTables } from './tables.js';
import { clearTarget, openTarget } from './target.js';

/** What a restore is doing. */
export type RestorePhase = 'check' | 'fill' | 'digests' | 'settle';

/** What {@link restoreBackup} needs. */
export interface RestoreOptions {
  readonly databaseUrl: string;
  readonly file: string;
  /** Where the archives are that the backup names. */
  readonly archive?: LogArchive;
  /** Lose what the database holds. */
  readonly force: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends it; the database is empty then. */
  readonly signal: AbortSignal;
  /** `done` is bytes of the file, or events while digests are checked. */
  readonly progress: (phase: RestorePhase, done: number) => void;
}

/** What was restored. */
export interface RestoreReport {
  readonly head: BackupHead;
  readonly events: number;
  readonly rows: number;
  /** Migrations that ran on what was restored, because the backup is of an older version. */
  readonly migrated: readonly string[];
}

/**
 * Fills a database with what a backup holds. The file is read twice: it is found to be complete before anything is
 * touched. Then the schema is made as it was when the backup was, and everything else happens in one transaction, the
 * check of the digest chain included: killed anywhere, it leaves a database without events, which can be restored into
 * again. The ledger gets a new epoch, so the totals of a Redis of before are no longer taken for its own.
 * @throws CheckFailedError when the backup is not good, or an archive that it names is missing or was changed; CommandFailedError when the database is not empty or in use;
 *   UsageError when the backup is of a newer version.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { databaseUrl, file, signal, logger, progress } = options;
  let head: BackupHead | null = null;
  const end = await readBackup(
    { file, signal, progress: (bytes) => progress('check', bytes) },
    {
      ...{ open: async () => {}, rows: async () => {}, close: async () => {} },
      head: (found) => {
        refuseNewer(found);
        head = found;
        return Promise.resolve();
      },
    },
  );
  const found = head as BackupHead | null;
  if (found === null) throw new UsageError(`${file} is no backup.`);
  await checkNamed(found.archives ?? [], options.archive ?? new LogArchive(null), signal);
  const client = await openTarget(databaseUrl);
  try {
    await clearTarget(client, databaseUrl, options.force, logger);
    await migrate(databaseUrl, logger, found.migrations);
    const events = await inTransaction(client, () => fill(client, options, found, end));
    const migrated = await migrate(databaseUrl, logger);
    // A backup of before logs had an identity would give its own beginning to the counters of this one.
    await client.query(COUNTS_FROM_NOW);
    progress('settle', 0);
    // The planner knows nothing of tables that were just filled, and index-only scans need to know what is visible.
    for (const { table } of end.tables) await client.query(`VACUUM (ANALYZE) ${table}`);
    return { head: found, events, rows: end.tables.reduce((sum, { rows }) => sum + rows, 0), migrated };
  } finally {
    await client.end().catch(() => undefined);
  }
}

const COUNTS_FROM_NOW = `
  UPDATE log_identity SET since_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)`;

function refuseNewer(head: BackupHead): void {
  const known = new Set<string>(migrations.map(({ name }) => name));
  const foreign = head.migrations.filter((name) => !known.has(name));
  if (foreign.length === 0) return;
  throw new UsageError(`The backup is of a newer version of Quipu: it has ${foreign.join(', ')}.`, {
    hint: 'Restore it with the version that made it, or a later one.',
  });
}

async function inTransaction<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function fill(
  client: Client,
  options: RestoreOptions,
  head: BackupHead,
  end: BackupEnd,
): Promise<number> {
  const { file, signal, progress, clock } = options;
  const ledger = parseLedgerSchema(head.ledger.schema);
  // Whoever appends waits for this lock, and finds the log as it was restored.
  await client.query(`SET LOCAL client_encoding = 'UTF8'; LOCK TABLE log, projections IN EXCLUSIVE MODE`);
  if (ledger !== LEDGER_1) {
    await client.query(`DROP SCHEMA ${LEDGER_1} CASCADE`);
    for (const statement of ledgerTables(ledger)) await client.query(statement);
  }
  const tables = await presentTables(client, keptTables(ledger));
  // Migrations wrote some rows, which are in the backup as well.
  for (const table of tables.toReversed()) await client.query(`DELETE FROM ${table}`);
  await noteNamed(client, head.archives ?? []);
  await client.query(`SELECT log_ensure_partitions($1::bigint + 1)`, [
    end.sequences['public.log_position_seq'] ?? head.position,
  ]);
  await readBackup(
    { file, signal, progress: (bytes) => progress('fill', bytes) },
    copySink(client, new Set(tables)),
  );
  for (const [name, value] of Object.entries(end.sequences)) {
    await client.query(`SELECT setval($1::regclass, $2::bigint)`, [name, value]);
  }
  // Statistics are of before: without this, a link of the chain reads the whole log.
  await client.query(`SET LOCAL enable_seqscan = off`);
  const archived = await archivedOf(client, head, options.archive ?? new LogArchive(null));
  const events = await checkDigests(client, signal, archived, (done) => progress('digests', done));
  await client.query(`UPDATE ledger_epoch SET epoch = gen_random_uuid()`);
  await recordAudit(client, {
    ...{ atMs: clock.now(), actor: LOCAL_ACTOR, action: 'ledger.restored' },
    detail: { created: head.created, position: head.position, events },
  });
  return events;
}

/** A database of before there were archives has no table of them. */
async function archivedOf(
  client: Client,
  head: BackupHead,
  archive: LogArchive,
): Promise<ArchivedLog | null> {
  return (head.archives ?? []).length === 0 ? null : archive.seenBy(client);
}

/** Copies rows into the tables, and only into ours. */
function copySink(client: Client, known: ReadonlySet<string>): BackupSink {
  let copy: CopyStreamQuery | null = null;
  let done: Promise<void> = Promise.resolve();
  return {
    head: async () => {},
    open: async ({ table, columns }) => {
      if (!known.has(table)) throw new UsageError(`The backup holds a table that is not ours: ${table}.`);
      const ours = new Set((await describeTable(client, table)).columns);
      const foreign = columns.find((column) => !ours.has(column));
      if (foreign !== undefined)
        throw new UsageError(`The backup holds a column that is not ours: ${foreign}.`);
      copy = client.query(copyFrom(copyIn({ table, columns })));
      done = finished(copy);
      done.catch(() => undefined);
    },
    rows: async (chunk) => {
      if (copy !== null && !copy.write(chunk)) await Promise.race([once(copy, 'drain'), done]);
    },
    close: async () => {
      copy?.end();
      await done;
    },
  };
}
