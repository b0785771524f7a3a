import { join } from 'node:path';
import { type ArchivedPart, checkFiles, type FileFault } from '@quipu/event-log';
import { type Cli } from '../support/cli.js';
import { CheckFailedError, InterruptedError } from '../support/exit-codes.js';
import { createProgress } from '../support/progress.js';
import { type Services } from '../support/services.js';

/** Compares the files of all parts with the sums that the database keeps of them, with progress on stderr. */
export async function checkArchives(
  cli: Cli,
  directory: string,
  parts: readonly ArchivedPart[],
  silent: boolean,
): Promise<FileFault[]> {
  const total = parts.reduce((sum, part) => sum + part.bytes + part.indexBytes, 0);
  const progress = createProgress(cli.terminal, { label: 'reading', total, unit: 'bytes', silent });
  const faults: FileFault[] = [];
  let done = 0;
  try {
    for (const part of parts) {
      const watch = {
        signal: cli.interrupted,
        progress: (bytes: number) => progress.update(done + bytes, done + bytes),
      };
      faults.push(...(await checkFiles(directory, part, watch)));
      done += part.bytes + part.indexBytes;
    }
    return faults;
  } catch (error) {
    if (cli.interrupted.aborted) throw new InterruptedError('Interrupted.');
    throw error;
  } finally {
    progress.stop();
  }
}

/**
 * Sees that every archive is what was archived, before it is folded: a file that was changed and kept its length would
 * become numbers.
 * @throws ArchiveUnavailableError when a file is missing or cut, CheckFailedError when one was changed, InterruptedError.
 */
export async function expectArchives(
  cli: Cli,
  { pool, archive, config }: Services,
  silent: boolean,
): Promise<void> {
  const archived = await archive.seenBy(pool);
  await archived.probe();
  if (archived.parts.length === 0) return;
  const faults = await checkArchives(cli, config.archiveDir, archived.parts, silent);
  if (faults.length === 0) return;
  const told = faults.map(({ file, why }) => `${join(config.archiveDir, file)}: ${why}`).join('; ');
  throw new CheckFailedError(`What is archived cannot be trusted, and nothing was folded. ${told}.`, {
    hint: 'Bring these files back from where archives are copied to; `./quipu archive check` tells when all are good.',
  });
}
