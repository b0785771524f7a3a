import type { StoredEvent } from '@quipu/contracts';
import { withTransaction } from '@quipu/platform';
import type { Pool } from 'pg';
import type { FoundEvent } from '../reading/find-event.js';
import { readAfter, type ReadLimits } from '../reading/read-after.js';
import { readEntity } from '../reading/read-entity.js';
import { ArchiveUnavailableError } from './archive-errors.js';
import type { LogArchive } from './log-archive.js';

/**
 * The events after a position, from wherever they are; at least one if there is any. The table is asked first: it
 * answers nothing where an archive has taken its place.
 * @throws ArchiveUnavailableError
 */
export async function readWholeLogAfter(
  pool: Pool,
  archive: LogArchive,
  position: bigint,
  limits: ReadLimits,
): Promise<StoredEvent[]> {
  let after = position;
  for (let again = true; ;) {
    const events = archive.likelyCovers(after) ? [] : await readAfter(pool, after, limits);
    if (events.length > 0) return events;
    const archived = await archive.seenBy(pool);
    if (archived.covers(after)) {
      const found = await archived.readAfter(after, limits);
      if (found.length > 0) return found;
      after = archived.end - 1n;
    } else if (again) {
      // A part that was brought back between the two statements was seen by neither of them.
      again = false;
    } else return [];
  }
}

/** Every event about one entity, in the order of the log. @throws ArchiveUnavailableError */
export async function readWholeEntity(
  pool: Pool,
  archive: LogArchive,
  tenant: string,
  subject: string,
): Promise<StoredEvent[]> {
  return withTransaction(
    pool,
    async (client) => {
      const archived = await archive.seenBy(client);
      const [early = []] = await archived.readEntities([{ tenant, subject }]);
      const late = await readEntity(client, tenant, subject);
      return [...early, ...late.filter(({ position }) => position >= archived.end)];
    },
    { isolation: 'repeatable read', readOnly: true },
  );
}

/** What is known of an event, with what its archive tells of it; what cannot be read stays null. */
export async function withArchived(pool: Pool, archive: LogArchive, found: FoundEvent): Promise<FoundEvent> {
  const { logged } = found;
  if (logged === null || logged.recordedMs !== null) return found;
  try {
    const event = await (await archive.seenBy(pool)).at(logged.position);
    if (event === null) return found;
    const { position, recordedMs, type, subject, time } = event;
    return { ...found, logged: { position, recordedMs, type, subject, timeMs: time } };
  } catch (error) {
    if (!(error instanceof ArchiveUnavailableError)) throw error;
    return found;
  }
}
