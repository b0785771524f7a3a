import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { JobInput } from '../inputs/job-input.js';
import { type Product, productName } from './task.js';

const options = z.object({ algorithm: z.enum(['sha256', 'sha512']).default('sha256') });

/** Lists the digests of a file, or of all files of a directory, as `sha256sum` does. */
export function checksum(input: JobInput, data: unknown): Product {
  const { algorithm } = options.parse(data);
  const name = productName(input.entries[0], `${algorithm}sums`);
  return { category: 'checksums', name, content: lines(input, algorithm) };
}

async function* lines(input: JobInput, algorithm: string): AsyncGenerator<Buffer> {
  for (const entry of input.entries) {
    if (entry.directory) continue;
    const hash = createHash(algorithm);
    for await (const piece of input.content(entry)) hash.update(piece);
    // A line break in a name would read as another line.
    const path = entry.path.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    yield Buffer.from(`${path === entry.path ? '' : '\\'}${hash.digest('hex')}  ${path}\n`);
  }
}
