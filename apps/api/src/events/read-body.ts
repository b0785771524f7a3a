import type { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ProblemException } from '../answers/problem.exception.js';
import type { BodyBudget } from './body-budget.js';

/** How a body is read. */
export interface ReadBodyOptions {
  /** `Content-Encoding`, as sent. */
  readonly encoding: string | undefined;
  /** Most bytes, sent and unpacked. */
  readonly maxBytes: number;
  /** Who counts the bytes held; {@link readBody} takes, the caller gives back what it got. */
  readonly budget?: BodyBudget;
}

/**
 * Reads a request's body, unpacking gzip. It stops at the limit, so that what a small body unpacks to is never held.
 * @throws ProblemException 415 (an encoding it does not know), 413 (too large), 400 (cut off, or no gzip),
 * 503 (others hold all of the budget).
 */
export async function readBody(stream: Readable, options: ReadBodyOptions): Promise<Buffer> {
  const { maxBytes, budget } = options;
  const gunzip = decoderOf(options.encoding);
  const chunks: Buffer[] = [];
  let taken = 0;
  let sent = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const output = gunzip ?? stream;
      const keep = (chunk: Buffer): void => {
        if (taken + chunk.length > maxBytes) return reject(tooLarge(maxBytes));
        if (budget?.take(chunk.length) === false) return reject(tooBusy());
        taken += chunk.length;
        chunks.push(chunk);
      };
      const count = (chunk: Buffer): void => {
        sent += chunk.length;
        if (sent > maxBytes) reject(tooLarge(maxBytes));
      };
      const cutOff = (): void => reject(new ProblemException(400, 'The body is cut off.'));
      output.on('data', keep).on('end', resolve);
      stream.on('error', cutOff).on('aborted', cutOff);
      if (gunzip === null) return;
      gunzip.on('error', () => reject(new ProblemException(400, 'The body is no gzip.')));
      stream.on('data', count).pipe(gunzip);
    });
    return Buffer.concat(chunks);
  } catch (error) {
    budget?.give(taken);
    throw error;
  } finally {
    stream.removeAllListeners('data');
    if (gunzip !== null) {
      stream.unpipe(gunzip);
      gunzip.destroy();
    }
    // Destroying the stream would close the connection before the refusal is out: the rest is read and dropped.
    stream.resume();
  }
}

/**
 * The text of a body; a byte order mark at its beginning is no part of it.
 * @throws ProblemException 400 if it is no UTF-8.
 */
export function decodeUtf8(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new ProblemException(400, 'The body is no UTF-8.');
  }
}

function decoderOf(encoding: string | undefined): Gunzip | null {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    default:
      throw new ProblemException(415, 'Bodies may be sent as they are or as gzip.', {
        headers: { 'accept-encoding': 'gzip' },
      });
  }
}

function tooLarge(maxBytes: number): ProblemException {
  return new ProblemException(413, `A body may have ${maxBytes} bytes, also once unpacked.`, {
    hint: 'Send it in smaller pieces.',
  });
}

function tooBusy(): ProblemException {
  return new ProblemException(503, 'Too many large requests at once.', {
    hint: 'Send it again in a moment, or in smaller pieces.',
    headers: { 'retry-after': '1' },
  });
}
