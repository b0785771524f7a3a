import {
  type ArchivedPart,
  checkFiles,
  insertArchivedPart,
  type LogArchive,
  readArchivedParts,
} from '@quipu/event-log';
import { type ClientBase } from 'pg';
import { CheckFailedError } from '../support/exit-codes.js';
import { type NamedArchive } from './format.js';

/** The archived parts of the log that a session sees; none in a database of before there were any. */
export async function nameArchives(client: ClientBase): Promise<NamedArchive[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('log_archives') IS NOT NULL AS there`,
  );
  if (rows[0]?.there !== true) return [];
  return (await readArchivedParts(client)).map(({ first, end, headPosition, detachedMs: _, ...part }) => ({
    ...part,
    ...{ first: String(first), end: String(end), headPosition: String(headPosition) },
  }));
}

/** The first position that is in the table of a backup. */
export function endOfArchives(archives: readonly NamedArchive[] = []): bigint {
  return BigInt(archives.at(-1)?.end ?? 0);
}

/**
 * Sees that every file which a backup leaves the beginning of the log to is there, and as it was.
 * @throws CheckFailedError naming the file.
 */
export async function checkNamed(
  archives: readonly NamedArchive[],
  { directory }: LogArchive,
  signal: AbortSignal,
): Promise<void> {
  for (const part of archives.map(partOf)) {
    const why =
      directory === null
        ? 'no directory of archives is known'
        : (await checkFiles(directory, part, { signal }))
            .map((fault) => `${fault.file}: ${fault.why}`)
            .join('; ');
    if (why === '') continue;
    throw new CheckFailedError(
      `The backup leaves positions ${part.first} to ${part.end - 1n} to the archive ${part.file}, which is not there as it was: ${why}.`,
      {
        hint: 'Put the archives of that log (each with its .index) into one directory, and name it: QUIPU_ARCHIVE_DIR.',
      },
    );
  }
}

/** Notes the archives of a backup in the database that it is restored into, where their partitions never were. */
export async function noteNamed(client: ClientBase, archives: readonly NamedArchive[]): Promise<void> {
  for (const part of archives.map(partOf)) await insertArchivedPart(client, part);
}

function partOf({ first, end, headPosition, ...part }: NamedArchive): ArchivedPart {
  return {
    ...part,
    ...{ first: BigInt(first), end: BigInt(end), headPosition: BigInt(headPosition) },
    detachedMs: part.archivedMs,
  };
}
