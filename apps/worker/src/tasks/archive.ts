import type { JobInput } from '../inputs/job-input.js';
import { tarEnd, tarHeader, tarPadding } from './tar.js';
import { InvalidJobError, type Product, productName } from './task.js';

/** Puts a directory into a tar archive. */
export function archive(input: JobInput): Product {
  const [directory] = input.entries;
  if (!directory.directory) throw new InvalidJobError('archive takes a directory; compress takes a file');
  return { category: 'archive', name: productName(directory, 'tar'), content: entries(input) };
}

async function* entries(input: JobInput): AsyncGenerator<Buffer> {
  for (const entry of input.entries) {
    yield tarHeader(entry);
    if (entry.directory) continue;
    yield* input.content(entry);
    yield tarPadding(entry.size);
  }
  yield tarEnd();
}
