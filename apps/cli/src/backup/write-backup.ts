import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { LEDGER_PROJECTION, parseLedgerSchema } from '@quipu/ledger';
import { type Clock, clientConfig } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { MIGRATIONS_TABLE } from '@quipu/schema';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { CommandFailedError } from '../support/exit-codes.js';
import { type BackupEnd, type BackupHead, END_OF_ROWS, FORMAT_VERSION, type TableSums } from './format.js';
import { endOfArchives, nameArchives } from './named-archives.js';
import { copyOut, describeTable, keptTables, presentTables } from './tables.js';
import { TableMeter } from './table-meter.js';

/** What {@link writeBackup} needs. */
export interface BackupOptions {
  readonly databaseUrl: string;
  readonly file: string;
  readonly clock: Clock;
  /** Ends it; nothing is left behind then. */
  readonly signal: AbortSignal;
  /** Called often, with the table under way and the rows so far of all tables. */
  readonly progress: (table: string, rows: number) => void;
}

/** What a backup holds. */
export interface BackupReport {
  readonly file: string;
  readonly head: BackupHead;
  readonly tables: readonly TableSums[];
}

/** Most of what makes gzip slow is its last tenth of saving. */
const GZIP_LEVEL = 3;
const PIECE_BYTES = 1 << 16;

/** Text as a session writes it must not depend on how a server was set up. */
const PLAIN_TEXT = `SET LOCAL client_encoding = 'UTF8'; SET LOCAL bytea_output = 'hex'`;

/**
 * Writes everything that cannot be made anew, as of one instant, beside whatever else is going on. The file gets its
 * name only when it is complete and on disk, so what has that name is a good backup.
 * @throws the reason of `signal`, the driver's errors, those of the file system.
 */
export async function writeBackup(options: BackupOptions): Promise<BackupReport> {
  const { databaseUrl, file, signal } = options;
  const partial = `${file}.partial`;
  const client = new Client(clientConfig(databaseUrl, { applicationName: 'quipu-backup' }));
  client.on('error', () => undefined);
  await client.connect();
  // Hashes of keys and what tenants do are in it.
  const out = createWriteStream(partial, { mode: 0o600 });
  const gzip = createGzip({ level: GZIP_LEVEL });
  const written = pipeline(gzip, out, { signal });
  written.catch(() => undefined);
  try {
    await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${PLAIN_TEXT}`);
    const write = async (piece: string | Buffer): Promise<void> => {
      signal.throwIfAborted();
      if (!gzip.write(piece)) await Promise.race([once(gzip, 'drain'), written]);
    };
    const head = await readHead(client, options.clock.now());
    const first = `${JSON.stringify(head)}\n`;
    await write(first);
    const tables: TableSums[] = [];
    let rows = 0;
    const kept = await presentTables(client, keptTables(parseLedgerSchema(head.ledger.schema)));
    for (const table of kept) {
      const sums = await writeTable(client, table, endOfArchives(head.archives), write, (count) =>
        options.progress(table, rows + count),
      );
      rows += sums.rows;
      tables.push(sums);
    }
    const end: BackupEnd = {
      head: createHash('sha256').update(first).digest('hex'),
      tables,
      sequences: await readSequences(client),
    };
    await write(`${JSON.stringify({ end })}\n`);
    gzip.end();
    await written;
    await client.query('COMMIT');
    await settle(partial, file);
    return { file, head, tables };
  } catch (error) {
    gzip.destroy();
    out.destroy();
    await rm(partial, { force: true });
    throw signal.aborted ? signal.reason : error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function readHead(client: Client, nowMs: number): Promise<BackupHead> {
  const live = await readCheckpoint(client, LEDGER_PROJECTION);
  if (live === null) throw new CommandFailedError('There is no live ledger in this database.');
  const { rows: names } = await client.query<{ name: string }>(
    `SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY id`,
  );
  const { rows } = await client.query<{ postgres: string; position: string }>(
    `SELECT current_setting('server_version') AS postgres,
            coalesce((SELECT max(last_position) FROM log_digests), 0) AS position`,
  );
  return {
    'quipu-backup': FORMAT_VERSION,
    created: new Date(nowMs).toISOString(),
    postgres: rows[0]?.postgres ?? '',
    migrations: names.map(({ name }) => name),
    position: rows[0]?.position ?? '0',
    archives: await nameArchives(client),
    ledger: { schema: live.schemaName, position: String(live.position), codeHash: live.codeHash },
  };
}

async function writeTable(
  client: Client,
  table: string,
  logFrom: bigint,
  write: (piece: string | Buffer) => Promise<void>,
  progress: (rows: number) => void,
): Promise<TableSums> {
  const head = await describeTable(client, table);
  const meter = new TableMeter(table);
  await write(`${JSON.stringify(head)}\n`);
  let pieces: Buffer[] = [];
  let waiting = 0;
  const flush = async (): Promise<void> => {
    const piece = Buffer.concat(pieces);
    pieces = [];
    waiting = 0;
    meter.add(piece);
    await write(piece);
    progress(meter.count);
  };
  for await (const chunk of client.query(copyTo(copyOut(head, logFrom)))) {
    pieces.push(chunk as Buffer);
    waiting += (chunk as Buffer).length;
    if (waiting >= PIECE_BYTES) await flush();
  }
  if (waiting > 0) await flush();
  await write(`${END_OF_ROWS}\n`);
  return meter.sums();
}

/** Sequences know no snapshot: read after the rows, they are never behind them. */
async function readSequences(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `SELECT format('%I.%I', schemaname, sequencename) AS name, last_value AS value FROM pg_sequences
     WHERE schemaname = 'public' AND last_value IS NOT NULL
       AND sequencename NOT LIKE '${MIGRATIONS_TABLE}%'`,
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Gives a file its name once it is on disk, whatever happens to the machine. */
async function settle(partial: string, file: string): Promise<void> {
  await sync(partial);
  await rename(partial, file);
  await sync(dirname(file));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
