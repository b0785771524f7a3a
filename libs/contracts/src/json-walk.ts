import { MAX_EVENT_BYTES, MAX_NESTING } from './limits.js';
import { echo, printPath, type RefusalReason } from './refusal.js';

/** What is wrong with a JSON value, and where below it. */
interface Fault {
  reason: RefusalReason;
  what: string;
  path: PropertyKey[];
}

/** What a walk adds up. */
interface Tally {
  /** UTF-8 bytes of the compact JSON of what was walked. */
  bytes: number;
  /** Whether something has to be rewritten before it is kept: a −0, or a member that is undefined. */
  untidy: boolean;
}

const NUL = -1;
const LONE_SURROGATE = -2;

/** UTF-8 bytes of a string as JSON, quotes included; negative if the text may not be stored. */
function stringBytes(text: string): number {
  let bytes = 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      if (code >= 0x20) bytes += code === 0x22 || code === 0x5c ? 2 : 1;
      else if (code === 0) return NUL;
      else bytes += code === 8 || code === 9 || code === 10 || code === 12 || code === 13 ? 2 : 6;
    } else if (code < 0x800) bytes += 2;
    else if (code < 0xd800 || code > 0xdfff) bytes += 3;
    else {
      const next = text.charCodeAt(++i);
      if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return LONE_SURROGATE;
      bytes += 4;
    }
  }
  return bytes;
}

/** What makes a text unfit to be stored, in words; null if nothing does. */
export function textFault(text: string): string | null {
  const bytes = stringBytes(text);
  if (bytes === NUL) return 'contains a NUL character';
  return bytes === LONE_SURROGATE ? 'contains a lone surrogate (ill-formed UTF-16)' : null;
}

function fault(reason: RefusalReason, what: string): Fault {
  return { reason, what, path: [] };
}

const TOO_LARGE = `over ${MAX_EVENT_BYTES} bytes, at most that many are allowed`;

/** Counts a string; stops before scanning one that is too long in any encoding. */
function walkText(text: string, tally: Tally): Fault | null {
  if (text.length > MAX_EVENT_BYTES) return fault('too-large', TOO_LARGE);
  const bytes = stringBytes(text);
  if (bytes < 0) return fault('bad-text', textFault(text)!);
  tally.bytes += bytes;
  return tally.bytes > MAX_EVENT_BYTES ? fault('too-large', TOO_LARGE) : null;
}

function walkNumber(value: number, tally: Tally): Fault | null {
  if (!(value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)) {
    return fault('bad-number', `${echo(value)} lies beyond ±(2^53 − 1)`);
  }
  if (Object.is(value, -0)) tally.untidy = true;
  tally.bytes += value >= 0 && value <= 9 && Number.isInteger(value) ? 1 : String(value).length;
  return null;
}

function walk(value: unknown, level: number, tally: Tally): Fault | null {
  switch (typeof value) {
    case 'string':
      return walkText(value, tally);
    case 'number':
      return walkNumber(value, tally);
    case 'boolean':
      tally.bytes += value ? 4 : 5;
      return null;
    case 'object':
      if (value === null) {
        tally.bytes += 4;
        return null;
      }
      if (level > MAX_NESTING) return fault('too-deep', `nested over ${MAX_NESTING} levels`);
      return Array.isArray(value) ? walkArray(value, level, tally) : walkObject(value, level, tally);
    default:
      return fault('malformed', `JSON has no ${typeof value}`);
  }
}

function walkArray(items: readonly unknown[], level: number, tally: Tally): Fault | null {
  tally.bytes += items.length === 0 ? 2 : items.length + 1;
  for (let i = 0; i < items.length; i++) {
    // Checked at each element: an array of a million numbers must not be walked to its end.
    const found =
      tally.bytes > MAX_EVENT_BYTES ? fault('too-large', TOO_LARGE) : walk(items[i], level + 1, tally);
    if (found !== null) {
      found.path.unshift(i);
      return found;
    }
  }
  return null;
}

/** Whether an object is one that JSON could have made, of whatever realm: a Date or Map would be stored as another value. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function walkObject(object: object, level: number, tally: Tally): Fault | null {
  if (!isPlain(object)) return fault('malformed', 'JSON has no such object');
  let members = 0;
  tally.bytes += 1;
  for (const key of Object.keys(object)) {
    const value = (object as Record<string, unknown>)[key];
    if (value === undefined) {
      tally.untidy = true;
      continue;
    }
    // An assignment to this key further on would set a prototype instead of a member.
    if (key === '__proto__') return fault('bad-text', 'the key __proto__ is reserved');
    members += 1;
    tally.bytes += 2;
    const found = walkText(key, tally) ?? walk(value, level + 1, tally);
    if (found !== null) {
      found.path.unshift(key);
      return found;
    }
  }
  if (members === 0) tally.bytes += 1;
  return tally.bytes > MAX_EVENT_BYTES ? fault('too-large', TOO_LARGE) : null;
}

/** A JSON value within the limits, or what is wrong with it. */
export type JsonCheck =
  { ok: true; bytes: number; untidy: boolean } | { ok: false; reason: RefusalReason; detail: string };

/**
 * Checks a value against the limits on text, numbers, nesting and size in one pass whose cost is bounded by the
 * size limit, and adds up its size as compact JSON.
 *
 * @param root what the value is called in details, such as `data`.
 * @param level nesting level of the value itself.
 */
export function checkJson(value: unknown, root: string, level: number): JsonCheck {
  const tally: Tally = { bytes: 0, untidy: false };
  const found = walk(value, level, tally);
  if (found === null) return { ok: true, bytes: tally.bytes, untidy: tally.untidy };
  // Where the walk met the limit says nothing about what makes the event large.
  const path = found.reason === 'too-large' ? ['event'] : [root, ...found.path];
  return { ok: false, reason: found.reason, detail: `${printPath(path)}: ${found.what}` };
}

/** A copy of a checked value in which −0 is 0 and members that are undefined are left out. */
export function tidyJson(value: unknown): unknown {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(tidyJson);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, tidyJson(member)]));
}
