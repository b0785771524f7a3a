import { createHash } from 'node:crypto';
import type { LogEvent } from '@quipu/contracts';
import { compareTexts } from './naive/facts.js';

/**
 * RFC 8785 canonical JSON of plain JSON data: keys sorted by UTF-16 code units, no white space, numbers
 * and texts as JSON.stringify writes them.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => compareTexts(a, b))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The canonical text of an event, whose SHA-256 the digest chain and the identity table hold. */
export function canonicalText(event: LogEvent): string {
  return canonicalJson({ ...event, time: new Date(event.time).toISOString() });
}

/** The SHA-256 of the parts, one after the other. */
export function sha256(...parts: readonly (string | Buffer)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The first 16 bytes of `hash` in the text form of a uuid. */
export function uuidOf(hash: Buffer): string {
  const hex = hash.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
