import { recordAudit } from '@quipu/access';
import { type ArchivedPart, checkFiles, readArchivedParts, restorePartition } from '@quipu/event-log';
import { createIoSteps } from '@quipu/platform';
import { type Cli } from '../support/cli.js';
import { CheckFailedError } from '../support/exit-codes.js';
import { createProgress } from '../support/progress.js';
import { LOCAL_ACTOR } from '../support/scope.js';
import { type Services } from '../support/services.js';

/** From where on archives come back. */
export interface RestoreWish {
  /** All that hold an event recorded at or after, ms. */
  readonly fromMs?: number;
  /** All that hold a position at or after. */
  readonly fromPosition?: bigint;
}

/** Brings archived parts back into the database, the newest first. @returns them, in that order. */
export async function restoreArchives(
  cli: Cli,
  services: Services,
  wish: RestoreWish,
  quiet: boolean,
): Promise<ArchivedPart[]> {
  const { pool, archive, config } = services;
  const chosen = (await readArchivedParts(pool)).filter(
    ({ end, lastRecordedMs }) =>
      end > (wish.fromPosition ?? 0n) && lastRecordedMs >= (wish.fromMs ?? -Infinity),
  );
  const io = createIoSteps(cli.env);
  for (const part of chosen.toReversed()) {
    const progress = createProgress(cli.terminal, {
      ...{ label: 'restoring', total: part.events, unit: 'events', silent: quiet },
    });
    try {
      if (part.detachedMs !== null) {
        const [fault] = await checkFiles(config.archiveDir, part, { signal: cli.interrupted });
        if (fault !== undefined) {
          throw new CheckFailedError(`${fault.file} is not what was archived: ${fault.why}.`, {
            hint: 'Nothing was restored from it. Bring the file back from where archives are copied to.',
          });
        }
      }
      await restorePartition(
        { pool, archive, io, signal: cli.interrupted, progress: (events) => progress.update(events, events) },
        part,
      );
    } finally {
      progress.stop();
    }
    await recordAudit(pool, {
      ...{ atMs: cli.clock.now(), actor: LOCAL_ACTOR, action: 'log.archive_restored' },
      detail: { first: String(part.first), end: String(part.end), events: part.events, file: part.file },
    });
  }
  return chosen.toReversed();
}
