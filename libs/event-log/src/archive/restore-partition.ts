import { canonicalJson, type StoredEvent } from '@quipu/contracts';
import { type IoSteps, withTransaction } from '@quipu/platform';
import type { Pool, PoolClient } from 'pg';
import { int8Array, textArray } from '../append/binary-array.js';
import { ArchiveDamagedError } from './archive-errors.js';
import type { ArchivedPart } from './archived-part.js';
import type { LogArchive } from './log-archive.js';

/** What bringing partitions back needs. */
export interface RestoreOptions {
  readonly pool: Pool;
  readonly archive: LogArchive;
  readonly io: IoSteps;
  readonly signal: AbortSignal;
  readonly progress: (events: number) => void;
}

const PAGE = { maxEvents: 5_000, maxBytes: 8 << 20 };

/**
 * Brings the newest archived part back into the table. The rows come first, in a table of their own; then, in one short
 * transaction, it becomes a partition and the part is no longer archived. Killed anywhere before, the table is left over
 * and the next attempt drops it. The files stay: a snapshot of before still reads them.
 * @throws ArchiveUnavailableError, ArchiveDamagedError; nothing changed then.
 */
export async function restorePartition(options: RestoreOptions, part: ArchivedPart): Promise<void> {
  const { pool, io } = options;
  const table = `log_p${part.first}`;
  if (part.detachedMs === null) {
    await io.step('restore.forget:before');
    await withTransaction(pool, async (client) => forget(client, part));
    await io.step('restore.forget:after');
    return;
  }
  await io.step('restore.fill:before');
  await withTransaction(pool, async (client) => {
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = 0`);
    await dropLeftover(client, part, table);
    await client.query(
      `CREATE TABLE ${table} (LIKE log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)`,
    );
    const events = await fill(client, table, options, part);
    if (events !== part.events) {
      throw new ArchiveDamagedError(`${part.file} holds ${events} events, ${part.events} were archived.`);
    }
    // As the log has them: attaching the table takes these over instead of making them under its lock.
    await client.query(`ALTER TABLE ${table} ADD PRIMARY KEY (position)`);
    await client.query(`CREATE INDEX ON ${table} (tenant, subject, position)`);
    await client.query(
      `ALTER TABLE ${table} ADD CONSTRAINT within CHECK (position >= ${part.first} AND position < ${part.end})`,
    );
    await client.query(`CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ${table}
      FOR EACH STATEMENT EXECUTE FUNCTION log_refuse_change()`);
  });
  await pool.query(`ANALYZE ${table}`);
  await io.step('restore.attach:before');
  await withTransaction(pool, async (client) => {
    await client.query(
      `ALTER TABLE log ATTACH PARTITION ${table} FOR VALUES FROM (${part.first}) TO (${part.end})`,
    );
    await client.query(`ALTER TABLE ${table} DROP CONSTRAINT within`);
    await client.query('INSERT INTO log_partitions (first_position, end_position) VALUES ($1, $2)', [
      String(part.first),
      String(part.end),
    ]);
    await forget(client, part);
  });
  await io.step('restore.attach:after');
}

/** A table that an attempt before this one has left; never a partition. */
async function dropLeftover(client: PoolClient, part: ArchivedPart, table: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM log_partitions WHERE first_position = $1', [
    String(part.first),
  ]);
  if (rowCount !== 0)
    throw new ArchiveDamagedError(`${table} is a partition of the log, and archived as well.`);
  await client.query(`DROP TABLE IF EXISTS ${table}`);
}

async function forget(client: PoolClient, part: ArchivedPart): Promise<void> {
  await client.query('DELETE FROM log_archives WHERE first_position = $1', [String(part.first)]);
}

async function fill(
  client: PoolClient,
  table: string,
  { archive, pool, signal, progress }: RestoreOptions,
  part: ArchivedPart,
): Promise<number> {
  const archived = await archive.seenBy(pool);
  let count = 0;
  for (let after = part.first - 1n; ;) {
    signal.throwIfAborted();
    const events = await archived.readAfter(after, PAGE);
    if (events.length === 0) return count;
    await client.query(
      `INSERT INTO ${table} (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion,
         sequence, data)
       SELECT position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion::integer, sequence,
         data::json
       FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
         $9::bigint[], $10::text[], $11::text[])
         AS e (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data)`,
      columns(events),
    );
    count += events.length;
    after = events.at(-1)!.position;
    progress(count);
  }
}

function columns(events: readonly StoredEvent[]): Buffer[] {
  const numbers = (of: (event: StoredEvent) => number): Buffer => int8Array(events.map(of));
  const texts = (of: (event: StoredEvent) => string | undefined): Buffer => textArray(events.map(of));
  return [
    ...[numbers((e) => Number(e.position)), numbers((e) => e.recordedMs), numbers((e) => e.time)],
    ...[texts((e) => e.tenant), texts((e) => e.source), texts((e) => e.id), texts((e) => e.type)],
    ...[texts((e) => e.subject), numbers((e) => e.dataversion), texts((e) => e.sequence)],
    // As the append wrote it: the data are compared and hashed as text.
    texts((e) => canonicalJson(e.data)),
  ];
}
