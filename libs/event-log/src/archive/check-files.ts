import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@quipu/platform';
import { type ArchivedPart, indexNameOf } from './archived-part.js';

/** Why a file is not what was archived. */
export interface FileFault {
  readonly file: string;
  readonly why: string;
}

/**
 * Reads both files of a part and compares them with the sums that the database keeps of them.
 * @returns what is wrong; empty when nothing is.
 */
export async function checkFiles(
  directory: string,
  part: ArchivedPart,
  watch: { readonly signal: AbortSignal; readonly progress?: (bytes: number) => void },
): Promise<FileFault[]> {
  const faults: FileFault[] = [];
  let done = 0;
  for (const [file, sha256] of [
    [part.file, part.sha256],
    [indexNameOf(part.file), part.indexSha256],
  ] as const) {
    const hash = createHash('sha256');
    try {
      for await (const chunk of createReadStream(join(directory, file), { highWaterMark: 1 << 20 })) {
        watch.signal.throwIfAborted();
        hash.update(chunk as Buffer);
        done += (chunk as Buffer).length;
        watch.progress?.(done);
      }
    } catch (error) {
      if (watch.signal.aborted) throw watch.signal.reason;
      faults.push({ file, why: `it cannot be read (${errorMessage(error)})` });
      continue;
    }
    const found = hash.digest('hex');
    if (found !== sha256) faults.push({ file, why: `its SHA-256 is ${found}, it was ${sha256}` });
  }
  return faults;
}
