import type { Pool } from 'pg';

/** A partition of the log that is in the database. */
export interface Partition {
  readonly first: bigint;
  readonly end: bigint;
  readonly events: number;
  /** When its first and last events were recorded, ms; null while it is empty. */
  readonly firstRecordedMs: number | null;
  readonly lastRecordedMs: number | null;
  /** With its indexes. */
  readonly bytes: number;
  /** Nothing will be added to it, and every projection has folded it. */
  readonly settled: boolean;
}

/** Events are counted by the appends that begin in a partition: nearly exact, and the log is not walked. */
const PARTITIONS = `
WITH head AS (SELECT coalesce((SELECT position FROM log ORDER BY position DESC LIMIT 1), 0) AS position),
     folded AS (SELECT coalesce(min(position), 0) AS position FROM projections WHERE status IN ('live', 'building'))
SELECT p.first_position, p.end_position,
       (SELECT coalesce(sum(events), 0) FROM log_digests d
         WHERE d.first_position >= p.first_position AND d.first_position < p.end_position) AS events,
       (SELECT recorded_ms FROM log WHERE position >= p.first_position AND position < p.end_position
         ORDER BY position LIMIT 1) AS first_recorded_ms,
       (SELECT recorded_ms FROM log WHERE position >= p.first_position AND position < p.end_position
         ORDER BY position DESC LIMIT 1) AS last_recorded_ms,
       pg_total_relation_size(('log_p' || p.first_position)::regclass) AS bytes,
       p.end_position <= head.position AND p.end_position <= folded.position + 1 AS settled
  FROM log_partitions p, head, folded ORDER BY p.first_position`;

/** The partitions of the log, in order. */
export async function readPartitions(pool: Pool): Promise<Partition[]> {
  const { rows } = await pool.query<{
    first_position: string;
    end_position: string;
    events: string;
    first_recorded_ms: string | null;
    last_recorded_ms: string | null;
    bytes: string;
    settled: boolean;
  }>(PARTITIONS);
  return rows.map((row) => ({
    first: BigInt(row.first_position),
    end: BigInt(row.end_position),
    events: Number(row.events),
    firstRecordedMs: row.first_recorded_ms === null ? null : Number(row.first_recorded_ms),
    lastRecordedMs: row.last_recorded_ms === null ? null : Number(row.last_recorded_ms),
    bytes: Number(row.bytes),
    settled: row.settled,
  }));
}

/** What is old. Everything that is said must hold. */
export interface OldWish {
  /** Every event was recorded before, ms. */
  readonly beforeMs?: number;
  /** Every position is below. */
  readonly beforePosition?: bigint;
  /** So many settled partitions stay, the newest. */
  readonly keep?: number;
}

/** What can be archived of what is old. */
export interface OldPartitions {
  /** In order, each with events. */
  readonly old: Partition[];
  /** A complete partition without events, behind which are old ones that cannot be archived for it. */
  readonly blockedBy: Partition | null;
}

/** The oldest partitions up to the first that is not old, or that is empty: archives leave no hole. */
export function oldPartitions(
  partitions: readonly Partition[],
  { beforeMs, beforePosition, keep }: OldWish,
): OldPartitions {
  const settled = partitions.filter((partition) => partition.settled);
  const isYoung = ({ end, lastRecordedMs }: Partition, place: number): boolean =>
    (keep !== undefined && place >= settled.length - keep) ||
    (beforeMs !== undefined && (lastRecordedMs ?? -Infinity) >= beforeMs) ||
    (beforePosition !== undefined && end > beforePosition);
  const young = settled.findIndex(isYoung);
  const reached = young < 0 ? settled : settled.slice(0, young);
  const isEmpty = ({ lastRecordedMs }: Partition): boolean => lastRecordedMs === null;
  const empty = reached.findIndex(isEmpty);
  if (empty < 0) return { old: reached, blockedBy: null };
  const blocks = !reached.slice(empty).every(isEmpty);
  return { old: reached.slice(0, empty), blockedBy: blocks ? reached[empty]! : null };
}

/** The size of partitions that are made from now on, in positions. */
export async function partitionSize(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ size: string }>('SELECT log_partition_size() AS size');
  return BigInt(rows[0]!.size);
}

/** Changes that size; partitions that are there, and the one that is made ahead, stay as they are. */
export async function setPartitionSize(pool: Pool, size: bigint): Promise<void> {
  await pool.query(
    `CREATE OR REPLACE FUNCTION log_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT ${size}::bigint'`,
  );
}
