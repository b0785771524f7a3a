import { pipeline, Readable, type Transform } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import { z } from 'zod';
import type { JobInput } from '../inputs/job-input.js';
import { InvalidJobError, type Product, productName } from './task.js';

const options = z.object({
  method: z.enum(['gzip', 'brotli']).default('gzip'),
  level: z.number().int().min(1).max(11).default(6),
});

/** Compresses a file. */
export function compress(input: JobInput, data: unknown): Product {
  const { method, level } = options.parse(data);
  const [file] = input.entries;
  if (file.directory) throw new InvalidJobError('compress takes a file; archive takes a directory');
  const name = productName(file, method === 'gzip' ? 'gz' : 'br');
  const packer = (): Transform =>
    method === 'gzip'
      ? createGzip({ level: Math.min(level, 9) })
      : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: level } });
  return { category: 'compressed-file', name, content: packed(input.content(file), packer) };
}

async function* packed(content: AsyncIterable<Buffer>, packer: () => Transform): AsyncGenerator<Buffer> {
  const stream = packer();
  // What goes wrong on the way ends the stream with its error, which whoever reads it gets.
  pipeline(Readable.from(content, { objectMode: false }), stream, () => undefined);
  yield* stream as AsyncIterable<Buffer>;
}
