import type { EventType, StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import type { LogArchive } from '../archive/log-archive.js';
import { readWholeLogAfter } from '../archive/read-whole-log.js';
import { COLUMNS, storedEvent, type StoredRow } from './stored-event.js';

/** Which events are wanted: those of a type, and those of a source. */
export interface Selection {
  readonly types: readonly EventType[];
  readonly source: string;
}

/** What was found in a part of the log, and where that part ends. */
export interface SelectedEvents {
  readonly events: StoredEvent[];
  /** Position up to which everything was looked at. */
  readonly to: bigint;
}

/** Whether the part is archived is asked in the snapshot that it is read in, so that nothing is missed meanwhile. */
export const READ_SELECTED = `
SELECT there.archived, ${COLUMNS}
  FROM (SELECT EXISTS (SELECT FROM log_archives WHERE end_position > $1::bigint + 1) AS archived) there
  LEFT JOIN log ON NOT there.archived AND position > $1::bigint AND position <= $2::bigint
                   AND (type = ANY ($3::text[]) OR source = $4)
 ORDER BY position`;

const ARCHIVED_PAGE = { maxEvents: 5_000, maxBytes: 8 << 20 };

/**
 * The events after `position` that are selected, in order, up to `to` or to wherever one reading of an archive ends.
 * @param to a position that is committed.
 * @throws ArchiveUnavailableError
 */
export async function readSelected(
  pool: Pool,
  archive: LogArchive,
  position: bigint,
  to: bigint,
  selection: Selection,
): Promise<SelectedEvents> {
  const { rows } = await pool.query<[boolean, ...StoredRow]>({
    text: READ_SELECTED,
    values: [String(position), String(to), selection.types, selection.source],
    rowMode: 'array',
  });
  if (rows[0]?.[0] !== true) {
    const found = rows.filter((row) => row[1] !== null);
    return { events: found.map(([, ...row]) => storedEvent(row)), to };
  }
  const page = await readWholeLogAfter(pool, archive, position, ARCHIVED_PAGE);
  const read = page.filter((event) => event.position <= to);
  return {
    events: read.filter(({ type, source }) => selection.types.includes(type) || source === selection.source),
    to: read.length < page.length ? to : (read.at(-1)?.position ?? to),
  };
}
