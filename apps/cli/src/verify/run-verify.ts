import { createWriteStream } from 'node:fs';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { exportLog, LogArchive, lockArchives, unlockArchives } from '@quipu/event-log';
import { type Clock, type Logger, QuipuError } from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { checkChain } from './check-chain.js';
import { checkExport, type ExportCounts } from './check-export.js';
import { compareTables } from './compare.js';
import { checkConservation } from './conservation.js';
import { DifferenceList } from './difference-list.js';
import { completeExpected } from './expected-sums.js';
import { ExpectedWriter } from './expected-writer.js';
import { foldLog } from './fold-log.js';
import { foldParts } from './fold-parts.js';
import { foldStates, type StateReader } from './fold-states.js';
import { loadArchives } from './load-archives.js';
import { preferIndexes, preferNothing } from './log-reader.js';
import { JOB_BOUNDS, type JobBounds } from './naive/job-metrics.js';
import type { DifferenceKind, VerifyProgress, VerifyReport } from './report.js';
import { takeSnapshot } from './snapshot.js';
import { createTables, dropTables } from './tables.js';

/** What to verify, and what to tell meanwhile. */
export interface VerifyOptions {
  /** One session of it is used, with temporary tables; nothing but those is written. */
  readonly pool: Pool;
  /** Where archived parts of the log are; without it a log that has some cannot be verified. */
  readonly archive?: LogArchive;
  /** Compared at the same position, if given and it has one. */
  readonly redis?: Redis;
  /** How long Redis may take to come to the checkpoint, ms; default 5000. */
  readonly redisWaitMs?: number;
  readonly clock: Clock;
  readonly log?: Logger;
  readonly progress?: (progress: VerifyProgress) => void;
  /** What stored states come to; without it, and where other code has made them, they are not compared. */
  readonly states?: StateReader;
  /** Bounds of waiting and running that the ledger was configured with, where they are not the usual ones. */
  readonly jobBounds?: Partial<JobBounds>;
  /**
   * Where to write a copy of the log with its digests, which is then read back and checked by itself;
   * gzipped when the name ends in `.gz`.
   */
  readonly exportFile?: string;
  /** Differences shown per kind; default 20. */
  readonly examples?: number;
}

/** Partitions go to files just now, or come back. */
export class ArchiveBusyError extends QuipuError {
  readonly code = 'archive_busy';
  readonly retryable = true;

  constructor() {
    super('`quipu archive` is at work on this log.', { hint: 'Verify when it is done.' });
  }
}

const NONE: Record<DifferenceKind, number> = {
  amount: 0,
  member: 0,
  'usage-key': 0,
  change: 0,
  'level-sum': 0,
  state: 0,
  'redis-state': 0,
  'redis-total': 0,
  'redis-member': 0,
  conservation: 0,
  digest: 0,
  identity: 0,
  archive: 0,
};

/**
 * Folds the log by itself, from docs/semantics.md alone, and compares all that the ledger and Redis hold
 * with it; checks that no slot of a worker is lost or counted twice, the digest chain and the identities. Works beside a live system: summaries are copied in
 * one short snapshot, memory stays bounded whatever the size of the log (temporary tables take the rest).
 * Memory grows only with what Redis holds, with the events of a single job, node or instance, and with what
 * is said about a single worker, user or host.
 * @throws NoLedgerError when there is no live ledger to verify; ArchiveUnavailableError, ArchiveBusyError.
 */
export async function runVerify(options: VerifyOptions): Promise<VerifyReport> {
  const { pool, redis, clock, log, exportFile } = options;
  const tell = options.progress ?? (() => undefined);
  const archive = options.archive ?? new LogArchive(null);
  const started = clock.now();
  const found = new DifferenceList(options.examples ?? 20);
  // Before a session is taken: the copy needs one as well, and the pool may have no second one.
  const copy = exportFile === undefined ? null : await writeCopy(pool, archive, exportFile, found);
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await createTables(client);
    // A partition that went to a file between two statements would be missing.
    if (!(await lockArchives(client, 'shared'))) throw new ArchiveBusyError();
    await loadArchives(client, archive.directory, found, (done, total) =>
      tell({ phase: 'archives', done, total }),
    );
    tell({ phase: 'snapshot', done: 0, total: 1 });
    const snapshot = await takeSnapshot(client, redis, clock, {
      ...(options.redisWaitMs === undefined ? {} : { redisWaitMs: options.redisWaitMs }),
      ...(options.states === undefined ? {} : { codeHash: options.states.codeHash }),
    });
    tell({ phase: 'snapshot', done: 1, total: 1 });
    log?.debug({ position: snapshot.position.toString(), redis: snapshot.redis.state }, 'snapshot taken');
    if (snapshot.redis.state === 'stale') {
      const expected = `position ${snapshot.position}`;
      found.add({ kind: 'redis-state', key: 'position', expected, found: snapshot.redis.reason });
    }

    if (snapshot.position > snapshot.head) {
      // Events that the log gets at positions that count as folded would never be folded.
      const expected = `the checkpoint's position, ${snapshot.position}, or a later one`;
      found.add({ kind: 'digest', key: 'end of the log', expected, found: `position ${snapshot.head}` });
    }

    await preferIndexes(client);
    const total = snapshot.logEvents;
    const chain = await checkChain(client, snapshot.head, found, (done) =>
      tell({ phase: 'chain', done, total }),
    );
    const writer = new ExpectedWriter(client);
    const folding = (done: number): void => tell({ phase: 'fold', done, total });
    const { events, skipped, ...entities } = await foldLog(client, snapshot.position, writer, folding, {
      source: 'whole_log',
      bounds: { ...JOB_BOUNDS, ...options.jobBounds },
    });
    await preferNothing(client);
    await foldParts(client, writer);
    await completeExpected(client);
    if (snapshot.states && options.states !== undefined) await foldStates(client, options.states);
    const sides = { redis: snapshot.redis.state === 'met', states: snapshot.states };
    const compared = await compareTables(client, sides, found, (done, all) =>
      tell({ phase: 'compare', done, total: all }),
    );
    const conservation = await checkConservation(client, snapshot.takenMs, found);

    return {
      ok: found.count === 0,
      position: snapshot.position.toString(),
      head: snapshot.head.toString(),
      epoch: snapshot.epoch,
      events,
      skipped,
      entities,
      compared: {
        ...{ ...NONE, ...compared, conservation: conservation.compared },
        ...{ digest: chain.digests, identity: chain.identities },
      },
      conservation,
      redis:
        snapshot.redis.state === 'met'
          ? { compared: true }
          : { compared: false, reason: snapshot.redis.reason },
      differences: found.count,
      examples: found.examples,
      takenMs: snapshot.takenMs,
      elapsedMs: clock.now() - started,
      copy,
    };
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // A session that failed may have settings and tables left: closing it is the sure way to lose them.
    if (failure === undefined) {
      await unlockArchives(client, 'shared');
      await dropTables(client);
    }
    client.release(failure);
  }
}

async function writeCopy(
  pool: Pool,
  archive: LogArchive,
  file: string,
  found: DifferenceList,
): Promise<ExportCounts> {
  const out = file.endsWith('.gz') ? createGzip() : new PassThrough();
  // Both at once: an export must not go on writing to a file that has failed.
  const results = await Promise.allSettled([
    pipeline(out, createWriteStream(file, { mode: 0o600 })),
    exportLog(pool, out, archive).then(
      () => out.end(),
      (error: Error) => out.destroy(error),
    ),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return checkExport(file, found);
}
