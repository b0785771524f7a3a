import type { QueryResult, QueryResultRow } from 'pg';

/** A session or a pool, for statements that stand alone. */
export interface Queryable {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<QueryResult<R>>;
}

/** A partition of the log that was moved to a file. */
export interface ArchivedPart {
  readonly first: bigint;
  /** The first position after it. */
  readonly end: bigint;
  /** Name of the file within the directory of the archives. */
  readonly file: string;
  readonly bytes: number;
  /** Of the file, hexadecimal; also that of the index beside it. */
  readonly sha256: string;
  readonly indexBytes: number;
  readonly indexSha256: string;
  readonly events: number;
  /** When its first and last events were recorded, ms. */
  readonly firstRecordedMs: number;
  readonly lastRecordedMs: number;
  /** The last append that ends in it or before: its last position and its digest, hexadecimal. */
  readonly headPosition: bigint;
  readonly head: string;
  readonly archivedMs: number;
  /** When its partition was dropped, ms; null while it is still there, though nobody reads it. */
  readonly detachedMs: number | null;
}

interface Row {
  first_position: string;
  end_position: string;
  file: string;
  bytes: string;
  sha256: Buffer;
  index_bytes: string;
  index_sha256: Buffer;
  events: string;
  first_recorded_ms: string;
  last_recorded_ms: string;
  head_position: string;
  head: Buffer;
  archived_ms: string;
  detached_ms: string | null;
}

/** The archived parts of the log as a session sees them, in order; they are its beginning, without a hole. */
export async function readArchivedParts(client: Queryable): Promise<ArchivedPart[]> {
  const { rows } = await client.query<Row>('SELECT * FROM log_archives ORDER BY first_position');
  return rows.map((row) => ({
    first: BigInt(row.first_position),
    end: BigInt(row.end_position),
    file: row.file,
    bytes: Number(row.bytes),
    sha256: row.sha256.toString('hex'),
    indexBytes: Number(row.index_bytes),
    indexSha256: row.index_sha256.toString('hex'),
    events: Number(row.events),
    firstRecordedMs: Number(row.first_recorded_ms),
    lastRecordedMs: Number(row.last_recorded_ms),
    headPosition: BigInt(row.head_position),
    head: row.head.toString('hex'),
    archivedMs: Number(row.archived_ms),
    detachedMs: row.detached_ms === null ? null : Number(row.detached_ms),
  }));
}

/** Notes a part: from the commit on, everybody reads it from its file. */
export async function insertArchivedPart(client: Queryable, part: ArchivedPart): Promise<void> {
  await client.query(
    `INSERT INTO log_archives (first_position, end_position, file, bytes, sha256, index_bytes, index_sha256, events,
       first_recorded_ms, last_recorded_ms, head_position, head, archived_ms, detached_ms)
     VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, decode($7, 'hex'), $8, $9, $10, $11, decode($12, 'hex'), $13, $14)`,
    [
      ...[String(part.first), String(part.end), part.file, part.bytes, part.sha256],
      ...[part.indexBytes, part.indexSha256, part.events, part.firstRecordedMs, part.lastRecordedMs],
      ...[String(part.headPosition), part.head, part.archivedMs, part.detachedMs],
    ],
  );
}

/** The name of the index beside a file. */
export function indexNameOf(file: string): string {
  return `${file.slice(0, -'.ndjson.gz'.length)}.index`;
}

/** The name of the description beside a file. */
export function manifestNameOf(file: string): string {
  return `${file.slice(0, -'.ndjson.gz'.length)}.json`;
}
