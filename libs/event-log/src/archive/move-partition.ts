import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, type IoSteps, withTransaction } from '@quipu/platform';
import type { Pool, PoolClient } from 'pg';
import { checkArchive } from './check-archive.js';
import { type ArchivedPart, indexNameOf, insertArchivedPart, manifestNameOf } from './archived-part.js';
import { readHead } from '../reading/head.js';
import type { LogArchive } from './log-archive.js';
import { type ArchiveWatch, type PartRange, writeArchive } from './write-archive.js';

/** What moving partitions needs. */
export interface MoveOptions {
  readonly pool: Pool;
  readonly archive: LogArchive;
  /** Where the files go: the directory of `archive`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly io: IoSteps;
  readonly signal: AbortSignal;
  readonly progress: (phase: 'write' | 'check', events: number) => void;
  /** What else is written with the note, in its transaction: either both are kept or neither. */
  readonly noted?: (client: PoolClient, part: ArchivedPart) => Promise<void>;
}

/**
 * Copies a partition to a file and notes it. Killed anywhere before the note is committed, nothing has happened but files
 * that nobody knows of, and the next run writes them again; afterwards everybody reads the file, and the partition is
 * there for nothing, until {@link dropArchivedPartition}.
 * @throws ArchiveDamagedError when file, log and digest chain do not agree, RangeError when the range is not complete;
 * the log is untouched then.
 */
export async function archivePartition(options: MoveOptions, range: PartRange): Promise<ArchivedPart> {
  const { pool, directory, io, clock, signal } = options;
  if ((await readHead(pool)).position < range.end) {
    throw new RangeError(`Events may still come between ${range.first} and ${range.end}.`);
  }
  const watch = (phase: 'write' | 'check'): ArchiveWatch => ({
    signal,
    progress: (events) => options.progress(phase, events),
  });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const partial = join(directory, `log-${digits(range.first)}.partial`);
  try {
    await io.step('archive.write:before');
    const written = await writeArchive(pool, range, partial, watch('write'));
    await io.step('archive.write:after');
    const before = await options.archive.seenBy(pool);
    const { index, ...checked } = await checkArchive(pool, range, partial, written, before, watch('check'));
    const part: ArchivedPart = {
      ...range,
      ...checked,
      // Named by its content: the archive of another log in the same directory is never written over.
      file: `log-${digits(range.first)}-${digits(range.end)}-${written.content.slice(0, 12)}.ndjson.gz`,
      indexBytes: index.length,
      indexSha256: createHash('sha256').update(index).digest('hex'),
      ...{ archivedMs: clock.now(), detachedMs: null },
    };
    await io.step('archive.settle:before');
    await writeSynced(join(directory, indexNameOf(part.file)), index);
    await writeSynced(
      join(directory, manifestNameOf(part.file)),
      `${JSON.stringify(manifestOf(part), null, 2)}\n`,
    );
    await rename(partial, join(directory, part.file));
    await syncDirectory(directory);
    await io.step('archive.settle:after');
    await io.step('archive.note:before');
    await withTransaction(pool, async (client) => {
      await insertArchivedPart(client, part);
      await options.noted?.(client, part);
    });
    await io.step('archive.note:after');
    return part;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Between two looks at who is still there. */
const LOOK_MS = 100;

/**
 * Drops the partition of a part that is archived, once nobody is left who may need it: a transaction that began before
 * the part was noted may hold a snapshot that does not know of the file, and a dropped table is gone for every snapshot.
 * @returns false when somebody still reads after `waitMs`; nothing happened then.
 */
export async function dropArchivedPartition(
  { pool, io, signal, clock }: Pick<MoveOptions, 'pool' | 'io' | 'signal' | 'clock'>,
  part: ArchivedPart,
  waitMs: number,
): Promise<boolean> {
  const until = clock.now() + waitMs;
  /** Waits for those who are there now, and not for those who come meanwhile. */
  const outlasted = async (look: (pool: Pool) => Promise<Set<string>>): Promise<boolean> => {
    let there = await look(pool);
    while (there.size > 0) {
      if (clock.now() >= until) return false;
      signal.throwIfAborted();
      await sleep(LOOK_MS);
      const still = await look(pool);
      there = new Set([...there].filter((id) => still.has(id)));
    }
    return true;
  };
  await io.step('archive.drop:before');
  if (!(await outlasted(runningTransactions))) return false;
  for (;;) {
    // Whoever waits for the lock makes everybody wait who comes later: so it is asked for when it can be had soon.
    if (!(await outlasted(readersOfLog))) return false;
    signal.throwIfAborted();
    try {
      await io.step('archive.detach:before');
      await pool.query('SELECT log_detach_archived($1)', [String(part.first)]);
      await io.step('archive.detach:after');
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== '55P03') throw error;
      if (clock.now() >= until) return false;
    }
  }
}

const OTHERS = `a.datname = current_database() AND l.pid <> pg_backend_pid()
   AND coalesce(a.backend_type, '') <> 'autovacuum worker'`;

/** The transactions of this database that run now, but for the one that asks. */
async function runningTransactions(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT l.virtualtransaction AS id FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'virtualxid' AND l.virtualxid = l.virtualtransaction AND ${OTHERS}`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** The transactions that have read or written the log, and have not ended. */
async function readersOfLog(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT DISTINCT l.virtualtransaction AS id FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'relation' AND l.relation = 'log'::regclass AND ${OTHERS}`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** What stands beside a file for people, and for a database that knows nothing of it. */
export function manifestOf(part: ArchivedPart): object {
  return {
    'quipu-archive': 1,
    ...{ first: String(part.first), end: String(part.end), events: part.events },
    recorded: { from: iso(part.firstRecordedMs), to: iso(part.lastRecordedMs) },
    ...{ file: part.file, bytes: part.bytes, sha256: part.sha256 },
    index: { file: indexNameOf(part.file), bytes: part.indexBytes, sha256: part.indexSha256 },
    chain: { position: String(part.headPosition), digest: part.head },
    archived: iso(part.archivedMs),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function digits(position: bigint): string {
  return String(position).padStart(12, '0');
}

async function writeSynced(path: string, content: string | Buffer): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, content, { mode: 0o600, flush: true });
  await rename(partial, path);
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
