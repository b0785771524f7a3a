import { createHash } from 'node:crypto';
import { badQuery } from './query-parameters.js';
import { isStorable } from './storable-text.js';

/** One member of a cursor: a text or a whole number that a list is sorted by. */
export type CursorPart = string | number;

/** Eight names of 200 characters, each written as an escape, still fit a request line of 16 KiB. */
const MAX_CURSOR_LENGTH = 14_000;

/**
 * Where to go on in a list: what the last row of a page is sorted by, and a fingerprint of the question, so that a
 * cursor is not taken to another list, where it would silently skip rows. Opaque to callers, and harmless when forged:
 * it names a place in a list that the caller may read anyway.
 */
export class Cursors {
  private readonly fingerprint: string;

  /** @param question whatever must be the same from page to page: the route and its filters. */
  constructor(question: unknown) {
    this.fingerprint = createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 12);
  }

  /** The cursor that goes on behind a row with these parts. */
  encode(parts: readonly CursorPart[]): string {
    return Buffer.from(JSON.stringify([this.fingerprint, ...parts])).toString('base64url');
  }

  /**
   * The parts of a cursor, checked to be storable text and whole numbers as `kinds` says; null without a cursor.
   * @throws ProblemException (400) if it is no cursor of this question.
   */
  decode(text: string | undefined, kinds: readonly ('string' | 'number')[]): CursorPart[] | null {
    if (text === undefined) return null;
    const [fingerprint, ...parts] = parse(text);
    const fits = parts.length === kinds.length && parts.every((part, i) => isPart(part, kinds[i]!));
    if (fingerprint === this.fingerprint && fits) return parts as CursorPart[];
    const detail = 'is none of this question; take `next` of the page before and change no other parameter';
    throw badQuery([{ parameter: 'cursor', detail }]);
  }
}

function isPart(part: unknown, kind: 'string' | 'number'): boolean {
  if (kind === 'number') return Number.isSafeInteger(part);
  return typeof part === 'string' && isStorable(part);
}

function parse(text: string): unknown[] {
  if (text.length > MAX_CURSOR_LENGTH) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
