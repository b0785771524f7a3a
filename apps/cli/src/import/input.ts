import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorMessage, UsageError } from '@quipu/platform';
import { CommandFailedError } from '../support/exit-codes.js';

/** The name that stands for standard input. */
export const STDIN = '-';

/** A file being read from its start to its end, decompressed if it is gzip. */
export interface Input {
  /** Its bytes, decompressed, in pieces of at most about 64 KiB. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Size on disk in bytes (compressed, if it is); 0 when unknown, as for standard input and pipes. */
  readonly totalBytes: number;
  /** Bytes taken from the disk so far. */
  bytesRead(): number;
  close(): void;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Opens a file (or `-`, standard input) for one reading. Gzip is recognised by its first two bytes, not by
 * the name.
 * @throws UsageError when `path` is a directory; errors of the file system as they come.
 */
export async function openInput(path: string): Promise<Input> {
  const file = path === STDIN ? await openPipe(process.stdin) : await openFile(path);
  let read = 0;
  const gzip = file.head[0] === 0x1f && file.head[1] === 0x8b;
  const counted = countBytes(file.chunks, (bytes) => (read += bytes));
  const chunks = gzip ? gunzip(counted, path) : counted;
  return { chunks, totalBytes: file.totalBytes, bytesRead: () => read, close: () => file.close() };
}

/** The first `length` decompressed bytes of a file, to tell its format by. */
export async function peek(path: string, length: number): Promise<Buffer> {
  const input = await openInput(path);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of input.chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size >= length) break;
  }
  input.close();
  return Buffer.concat(parts).subarray(0, length);
}

interface OpenedFile {
  readonly chunks: AsyncIterable<Buffer>;
  /** Its first two bytes at least, if it has as many. */
  readonly head: Buffer;
  readonly totalBytes: number;
  close(): void;
}

/** Whether a path can be read only once: standard input, a named pipe, what `<(command)` stands for. */
export async function isReadOnce(path: string): Promise<boolean> {
  if (path === STDIN) return true;
  const facts = await stat(path);
  return !facts.isFile() && !facts.isDirectory();
}

async function openFile(path: string): Promise<OpenedFile> {
  const facts = await stat(path);
  if (facts.isDirectory()) throw new UsageError(`${path} is a directory.`, { hint: 'Name one file.' });
  if (!facts.isFile()) return openPipe(createReadStream(path, { highWaterMark: CHUNK_BYTES }));
  const handle = await open(path, 'r');
  const head = Buffer.alloc(2);
  await handle.read(head, 0, 2, 0);
  await handle.close();
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const chunks = stream as AsyncIterable<Buffer>;
  return { chunks, head, totalBytes: facts.size, close: () => stream.destroy() };
}

/** What can be read only once: its first bytes are looked at, and come again with the others. */
async function openPipe(stream: Readable): Promise<OpenedFile> {
  const rest = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  // A pipe may hand over its first byte alone; two are needed to recognise gzip.
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await rest.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* chunks(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  }
  return { chunks: chunks(), head, totalBytes: 0, close: () => stream.destroy() };
}

async function* countBytes(
  chunks: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

async function* gunzip(source: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const unzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // The callback only keeps an error from being unhandled: the loop below meets the same one.
  pipeline(source, unzip, () => {});
  try {
    for await (const chunk of unzip as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw new CommandFailedError(`${path} cannot be decompressed to its end: ${errorMessage(error)}.`, {
      cause: error,
      hint: 'Nearly all of what came before is in the log. Import the whole file again: nothing is counted twice.',
    });
  }
}
