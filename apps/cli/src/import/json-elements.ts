/** One element of a JSON array, as it stands in the file. */
export interface JsonElement {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** Whether it was longer than the limit and `bytes` holds only its beginning. */
  readonly cut: boolean;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** How reading a JSON array ended. */
export type JsonArrayEnd = 'complete' | 'no-array' | 'cut-off' | 'trailing-text';

/**
 * Splits one JSON array into its elements without holding the array: only brackets, quotes and commas are
 * looked at, the elements are parsed by whoever takes them. An element longer than `maxBytes` is cut there.
 * The generator's return value says whether the array was whole.
 */
export async function* readJsonArray(
  chunks: AsyncIterable<Buffer>,
  maxBytes = 256 * 1024,
): AsyncGenerator<JsonElement[], JsonArrayEnd> {
  let state: 'before' | 'inside' | 'after' = 'before';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let cut = false;
  let stray = false;
  const keep = (bytes: Buffer): void => {
    const room = maxBytes - keptBytes;
    if (bytes.length > room) cut = true;
    if (room <= 0 || bytes.length === 0) return;
    kept.push(bytes.subarray(0, room));
    keptBytes += Math.min(room, bytes.length);
  };
  const take = (into: JsonElement[]): void => {
    number += 1;
    into.push({ number, bytes: trimBlanks(Buffer.concat(kept)), cut });
    kept = [];
    keptBytes = 0;
    cut = false;
  };
  for await (const chunk of chunks) {
    const elements: JsonElement[] = [];
    let from = 0;
    for (let i = 0; i < chunk.length; i += 1) {
      const byte = chunk[i]!;
      if (state === 'before') {
        if (BLANK.has(byte) || isByteOrderMark(byte)) continue;
        if (byte !== 0x5b) return 'no-array';
        state = 'inside';
        from = i + 1;
      } else if (state === 'after') {
        if (!BLANK.has(byte)) stray = true;
      } else if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (OPEN.has(byte)) {
        depth += 1;
      } else if (CLOSE.has(byte)) {
        depth -= 1;
        if (depth >= 0) continue;
        keep(chunk.subarray(from, i));
        // `[]` has no element; an empty one after a comma is for the parser to refuse.
        if (number > 0 || trimBlanks(Buffer.concat(kept)).length > 0) take(elements);
        state = 'after';
      } else if (byte === COMMA && depth === 0) {
        keep(chunk.subarray(from, i));
        take(elements);
        from = i + 1;
      }
    }
    if (state === 'inside') keep(chunk.subarray(from));
    if (elements.length > 0) yield elements;
  }
  if (state === 'before') return 'no-array';
  if (state === 'inside') return 'cut-off';
  return stray ? 'trailing-text' : 'complete';
}

function isByteOrderMark(byte: number): boolean {
  return byte === 0xef || byte === 0xbb || byte === 0xbf;
}

function trimBlanks(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && BLANK.has(bytes[start]!)) start += 1;
  while (end > start && BLANK.has(bytes[end - 1]!)) end -= 1;
  return bytes.subarray(start, end);
}
