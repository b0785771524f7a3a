import {
  archivePartition,
  dropArchivedPartition,
  LogArchive,
  readArchivedParts,
  restorePartition,
} from '@quipu/event-log';
import { createIoSteps, createPool, systemClock } from '@quipu/platform';

/** Archives the positions below 200, or brings them back, alone in a process that may be killed at an I/O step. */
const [databaseUrl, directory, what] = process.argv.slice(2);
if (databaseUrl === undefined || directory === undefined)
  throw new Error('usage: archive-child DATABASE DIR');
const pool = createPool(databaseUrl);
const options = {
  ...{ pool, directory, archive: new LogArchive(directory), clock: systemClock, io: createIoSteps() },
  ...{ signal: new AbortController().signal, progress: () => undefined },
};
if (what === 'restore') {
  for (const part of await readArchivedParts(pool)) await restorePartition(options, part);
} else {
  const part = await archivePartition(options, { first: 0n, end: 200n });
  await dropArchivedPartition(options, part, 10_000);
}
await pool.end();
