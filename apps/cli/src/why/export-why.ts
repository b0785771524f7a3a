import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type ExportedReasons, exportReasons, type WhyQuery } from '@quipu/read-models';
import { localScope } from '../support/scope.js';
import { type Services } from '../support/services.js';

/**
 * Writes the number with its events, intervals and digests to `file`, which is there only when it is whole: it is
 * written beside it and renamed.
 * @param signal ends it; nothing is left behind then.
 * @throws the reason of `signal`, errors of the file system and the database.
 */
export async function exportWhy(
  { pool, archive }: Pick<Services, 'pool' | 'archive'>,
  query: WhyQuery,
  file: string,
  signal: AbortSignal,
): Promise<ExportedReasons> {
  const part = `${file}.part`;
  const out = createWriteStream(part);
  // A disk that is full says so between two writes as well: unheard, that would end the process.
  const written = finished(out);
  written.catch(() => undefined);
  try {
    await once(out, 'open');
    const write = async (line: string): Promise<void> => {
      signal.throwIfAborted();
      if (!out.write(`${line}\n`)) await Promise.race([once(out, 'drain'), written]);
    };
    const exported = await exportReasons(pool, localScope(), query, write, archive);
    out.end();
    await written;
    await rename(part, file);
    return exported;
  } catch (error) {
    out.destroy();
    await rm(part, { force: true });
    throw error;
  }
}
