import type { StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import { LogArchive } from '../archive/log-archive.js';
import { readWholeLogAfter } from '../archive/read-whole-log.js';

/** A row of the digest chain: one append. */
export interface ChainBatch {
  firstPosition: bigint;
  lastPosition: bigint;
  events: number;
  previous: Buffer;
  digest: Buffer;
}

/**
 * One step through log and chain side by side. An event belongs to the batch before it if its position lies
 * within that batch; otherwise no batch vouches for it.
 */
export type ChainStep = { batch: ChainBatch } | { event: StoredEvent };

const PAGE = { maxEvents: 2_000, maxBytes: 8 << 20 };
const DIGEST_PAGE = 1_000;

interface DigestRow {
  first_position: string;
  last_position: string;
  events: number;
  previous: Buffer;
  digest: Buffer;
}

async function* batches(pool: Pool, end: bigint): AsyncGenerator<ChainBatch> {
  for (let after = 0n; ;) {
    const { rows } = await pool.query<DigestRow>(
      `SELECT first_position, last_position, events, previous, digest FROM log_digests
       WHERE last_position > $1 AND last_position <= $2 ORDER BY last_position LIMIT ${DIGEST_PAGE}`,
      [String(after), String(end)],
    );
    for (const row of rows) {
      const { events, previous, digest } = row;
      after = BigInt(row.last_position);
      yield { firstPosition: BigInt(row.first_position), lastPosition: after, events, previous, digest };
    }
    if (rows.length < DIGEST_PAGE) return;
  }
}

async function* events(pool: Pool, archive: LogArchive, end: bigint): AsyncGenerator<StoredEvent> {
  for (let after = 0n; ;) {
    const page = await readWholeLogAfter(pool, archive, after, PAGE);
    for (const event of page) {
      if (event.position > end) return;
      after = event.position;
      yield event;
    }
    if (page.length === 0) return;
  }
}

/**
 * Walks the log as it ends now, batch by batch, in bounded memory and without holding a snapshot: what is
 * in the log stays as it is, so it is enough that the end is read in one statement.
 */
export async function* walkChain(
  pool: Pool,
  archive: LogArchive = new LogArchive(null),
): AsyncGenerator<ChainStep> {
  const { rows } = await pool.query<{ end: string }>(
    `SELECT greatest((SELECT max(last_position) FROM log_digests),
                     (SELECT max(position) FROM log), 0) AS end`,
  );
  const end = BigInt(rows[0]?.end ?? 0);
  const log = events(pool, archive, end);
  let next = await log.next();
  for await (const batch of batches(pool, end)) {
    yield { batch };
    while (!next.done && next.value.position <= batch.lastPosition) {
      yield { event: next.value };
      next = await log.next();
    }
  }
  while (!next.done) {
    yield { event: next.value };
    next = await log.next();
  }
}
