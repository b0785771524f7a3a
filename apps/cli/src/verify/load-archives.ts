import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { type ArchivedPart, ArchiveUnavailableError, readArchivedParts } from '@quipu/event-log';
import { classifyPgError, errorMessage, pgArray } from '@quipu/platform';
import type { PoolClient } from 'pg';
import type { DifferenceList } from './difference-list.js';

const COLUMNS =
  'position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data';
const SLICE = 2_000;

interface Line {
  readonly position?: string;
  readonly recorded: number;
  readonly event: {
    readonly tenant: string;
    readonly source: string;
    readonly id: string;
    readonly type: string;
    readonly subject: string;
    readonly time: string;
    readonly dataversion: number;
    readonly sequence?: string;
    readonly data: object;
  };
}

/**
 * Makes the view `whole_log`: the log with its archived beginning, which is read from the files into a temporary table.
 * It takes the space that the archived partitions took, for as long as the verification lasts; in return, everything is
 * checked as if nothing had been archived. Reads the files with code of its own, from their description.
 *
 * The session must hold the lock of the archives: a partition that goes to a file later would be missing.
 * @throws ArchiveUnavailableError when a file cannot be read.
 */
export async function loadArchives(
  client: PoolClient,
  directory: string | null,
  found: DifferenceList,
  progress: (events: number, total: number) => void,
): Promise<void> {
  await client.query(`CREATE TEMP TABLE archived_log (LIKE log)`);
  const parts = await readArchivedParts(client);
  const total = parts.reduce((sum, { events }) => sum + events, 0);
  let done = 0;
  for (const part of parts) {
    await load(client, directory, part, found, (events) => progress(done + events, total));
    done += part.events;
  }
  const archived = parts.length === 0 ? '' : `SELECT ${COLUMNS} FROM archived_log UNION ALL `;
  if (parts.length > 0) {
    await client.query(`
      CREATE INDEX ON archived_log (position); CREATE INDEX ON archived_log (tenant, subject, position);
      ANALYZE archived_log`);
  }
  // A partition that is archived may still be there.
  const end = parts.at(-1)?.end ?? 0n;
  await client.query(
    `CREATE TEMP VIEW whole_log AS ${archived} SELECT ${COLUMNS} FROM log WHERE position >= ${end}`,
  );
}

/** Fills the table with one file; what is wrong with it becomes a difference, and what can be read of it is checked. */
async function load(
  client: PoolClient,
  directory: string | null,
  part: ArchivedPart,
  found: DifferenceList,
  progress: (events: number) => void,
): Promise<void> {
  const path = pathOf(directory, part);
  const sha256 = await sumOf(path, part);
  if (sha256 !== part.sha256) {
    found.add({ kind: 'archive', key: part.file, expected: part.sha256, found: sha256 });
  }
  let rows: Line[] = [];
  let loaded = 0;
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await insert(client, rows);
    loaded += rows.length;
    rows = [];
    progress(loaded);
  };
  try {
    for await (const text of linesOf(path)) {
      const line = JSON.parse(text) as Line;
      if (line.position === undefined) continue;
      rows.push(line);
      if (rows.length >= SLICE) await flush();
    }
    await flush();
  } catch (error) {
    // What was changed may be no gzip, no JSON, no event, or nothing that a column can hold.
    if (sha256 === part.sha256 || classifyPgError(error) === 'retry') throw error;
    const expected = `${part.events} events`;
    found.add({ kind: 'archive', key: `${part.file}, unpacked`, expected, found: errorMessage(error) });
  }
}

function pathOf(directory: string | null, part: ArchivedPart): string {
  if (directory === null) throw unavailable(part, 'this process has no directory of archives');
  return join(directory, part.file);
}

async function sumOf(path: string, part: ArchivedPart): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      hash.update(chunk as Buffer);
  } catch (error) {
    throw unavailable(part, errorMessage(error), error);
  }
  return hash.digest('hex');
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const packed = createReadStream(path, { highWaterMark: 1 << 18 });
  const plain = packed.pipe(createGunzip()).setEncoding('utf8');
  packed.on('error', (error) => plain.destroy(error));
  let rest = '';
  // A readline interface leaves errors of its input to nobody.
  for await (const chunk of plain) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

function unavailable(part: ArchivedPart, why: string, cause?: unknown): ArchiveUnavailableError {
  const where = `Positions ${part.first} to ${part.end - 1n} of the log are archived in ${part.file}`;
  return new ArchiveUnavailableError(`${where}, which cannot be read: ${why}.`, {
    cause,
    hint: 'Bring the file back from where archives are copied to (QUIPU_ARCHIVE_DIR).',
  });
}

async function insert(client: PoolClient, rows: readonly Line[]): Promise<void> {
  const column = (of: (line: Line) => string | number | null): string => pgArray(rows.map(of));
  await client.query(
    `INSERT INTO archived_log (${COLUMNS})
     SELECT position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data::json
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::integer[], $10::text[], $11::text[])
       AS e (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data)`,
    [
      column(({ position }) => position ?? null),
      column(({ recorded }) => recorded),
      column(({ event }) => Date.parse(event.time)),
      column(({ event }) => event.tenant),
      column(({ event }) => event.source),
      column(({ event }) => event.id),
      column(({ event }) => event.type),
      column(({ event }) => event.subject),
      column(({ event }) => event.dataversion),
      column(({ event }) => event.sequence ?? null),
      column(({ event }) => JSON.stringify(event.data)),
    ],
  );
}
