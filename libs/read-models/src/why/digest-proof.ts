import { createHash } from 'node:crypto';
import { canonicalEvent } from '@quipu/contracts';
import type { LogArchive } from '@quipu/event-log';
import type { StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import { EVENT_COLUMNS, type EventRow, eventOf } from '../past/event-row.js';

/** One append of the log's digest chain, with the hashes of those of its events that are not shown. */
export interface ProvenBatch {
  readonly first: string;
  readonly last: string;
  readonly events: number;
  readonly previous: string;
  readonly digest: string;
  /** `[position, sha256 of the canonical event]`, by position. */
  readonly leaves: readonly (readonly [string, string])[];
}

/** The end of the digest chain. */
export interface DigestHead {
  readonly position: string;
  readonly digest: string;
}

interface DigestRow {
  first_position: string;
  last_position: string;
  events: number;
  previous: Buffer;
  digest: Buffer;
}

const CHUNK = 500;

/**
 * The appends that hold the events at these positions, in the order of the log, each once.
 * @throws Error if an append is not whole in the log any more; ArchiveUnavailableError if it is archived out of reach.
 */
export async function* proveBatches(
  pool: Pool,
  archive: LogArchive,
  positions: number[],
): AsyncGenerator<ProvenBatch> {
  positions.sort((a, b) => a - b);
  let done = 0;
  for (let i = 0; i < positions.length;) {
    const chunk: number[] = [];
    for (; i < positions.length && chunk.length < CHUNK; i += 1) {
      const position = positions[i]!;
      if (position > done) chunk.push(position);
    }
    const { rows } = await pool.query<DigestRow>(
      `SELECT DISTINCT ON (d.last_position) d.first_position, d.last_position, d.events, d.previous, d.digest
         FROM unnest($1::bigint[]) AS p (position)
        CROSS JOIN LATERAL (
          SELECT * FROM log_digests g WHERE g.last_position >= p.position ORDER BY g.last_position LIMIT 1) d
        ORDER BY d.last_position`,
      [chunk],
    );
    for (const row of rows) {
      if (Number(row.last_position) <= done) continue;
      done = Number(row.last_position);
      const shown = new Set(within(positions, Number(row.first_position), done));
      yield prove(row, shown, await readBatch(pool, archive, row));
    }
  }
}

/** Where the digest chain ends now: who notes it can tell later that nothing before it was changed. */
export async function logHead(pool: Pool): Promise<DigestHead> {
  const { rows } = await pool.query<{ last_position: string; digest: Buffer }>(
    'SELECT last_position, digest FROM log_digests ORDER BY last_position DESC LIMIT 1',
  );
  const head = rows[0];
  return head === undefined
    ? { position: '0', digest: '00'.repeat(32) }
    : { position: head.last_position, digest: head.digest.toString('hex') };
}

async function readBatch(pool: Pool, archive: LogArchive, batch: DigestRow): Promise<StoredEvent[]> {
  let found = 0;
  // Between the two statements a part may go to a file, or come back.
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const archived = await archive.seenBy(pool);
    const [first, last] = [BigInt(batch.first_position), BigInt(batch.last_position)];
    const early = archived.covers(first - 1n) ? await archived.readRange(first, last) : [];
    const { rows } = await pool.query<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM log l WHERE l.position >= $1::bigint AND l.position <= $2::bigint ORDER BY l.position`,
      [batch.first_position, batch.last_position],
    );
    const late = rows.map(eventOf).filter(({ position }) => position >= archived.end);
    found = early.length + late.length;
    if (found === batch.events) return [...early, ...late];
  }
  const where = `${batch.first_position} to ${batch.last_position}`;
  throw new Error(`The append at ${where} is not whole in the log: ${found} of ${batch.events} events.`);
}

function prove(row: DigestRow, shown: ReadonlySet<number>, events: readonly StoredEvent[]): ProvenBatch {
  const hidden = events.filter(({ position }) => !shown.has(Number(position)));
  return {
    ...{ first: row.first_position, last: row.last_position, events: row.events },
    ...{ previous: row.previous.toString('hex'), digest: row.digest.toString('hex') },
    leaves: hidden.map((event) => [
      String(event.position),
      createHash('sha256').update(canonicalEvent(event)).digest('hex'),
    ]),
  };
}

/** Those of sorted positions that lie in `[first, last]`. */
function within(positions: readonly number[], first: number, last: number): number[] {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < first) low = middle + 1;
    else high = middle;
  }
  const found: number[] = [];
  for (let i = low; i < positions.length && positions[i]! <= last; i += 1) found.push(positions[i]!);
  return found;
}
