import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { type ExportedReasons, exportReasons, type WhyQuery } from '@quipu/read-models';
import { type Pool } from 'pg';
import { localScope } from '../support/scope.js';

/**
 * Writes the number with its events, intervals and digests to `file`, which is there only when it is whole: it is
 * written beside it and renamed.
 */
export async function exportWhy(pool: Pool, query: WhyQuery, file: string): Promise<ExportedReasons> {
  const part = `${file}.part`;
  const out = createWriteStream(part);
  try {
    await once(out, 'open');
    const exported = await exportReasons(pool, localScope(), query, async (line) => {
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    });
    out.end();
    await finished(out);
    await rename(part, file);
    return exported;
  } catch (error) {
    out.destroy();
    await rm(part, { force: true });
    throw error;
  }
}
