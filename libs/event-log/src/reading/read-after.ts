import type { StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import { COLUMNS, storedEvent, type StoredRow } from './stored-event.js';

/** How much to read at most. At least one event is read, however large. */
export interface ReadLimits {
  maxEvents: number;
  /** Bytes of the events' data, as stored. */
  maxBytes: number;
}

/**
 * Not a named statement: a plan cached for an unknown LIMIT over a log that has just been filled flips to
 * reading and sorting all of it.
 *
 * Nothing is found where an archive takes the place of the table: asked in the same snapshot, so that no partition is
 * missed that goes to a file meanwhile.
 */
export const READ_AFTER = `
SELECT ${COLUMNS} FROM (
  SELECT page.*, sum(size) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - size AS before
  FROM (
    SELECT ${COLUMNS}, octet_length(data::text) AS size FROM log
    WHERE position > $1::bigint AND NOT EXISTS (SELECT FROM log_archives WHERE end_position > $1::bigint + 1)
    ORDER BY position LIMIT $2
  ) page
) measured
WHERE before < $3 ORDER BY position`;

/**
 * The events after a position, in order; none if the position is archived. Gaps between positions are normal.
 */
export async function readAfter(pool: Pool, position: bigint, limits: ReadLimits): Promise<StoredEvent[]> {
  const { rows } = await pool.query<StoredRow>({
    text: READ_AFTER,
    values: [String(position), limits.maxEvents, limits.maxBytes],
    rowMode: 'array',
  });
  return rows.map(storedEvent);
}
