import { createHash } from 'node:crypto';

const PLAIN = /^[0-9a-f]{32}$/;
const NAMESPACE = Buffer.from('0a7a15ffaa134ac2897c9bdf30ce175b', 'hex');
/** Most characters of a resource's name. */
const MAX_NAME = 289;

/** A UUID in any usual form (upper case, without dashes, in braces, as a URN) as the one in lower case; null: it is none. */
export function parseUuid(text: string): string | null {
  if (text.length > 100) return null;
  const bare = text
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '')
    .toLowerCase();
  return PLAIN.test(bare) ? dashed(bare) : null;
}

/** A text that no resource can be called by; the message says why. */
export class ResourceIdError extends Error {}

/**
 * The id of the resource that a creator calls by this text: the UUID that it is, or one made of text and creator.
 * @throws ResourceIdError if nothing can be called so.
 */
export function resourceUuid(text: string, creator: string): string {
  if (text.includes('/')) throw new ResourceIdError("'/' is not supported in resource id");
  const uuid = parseUuid(text);
  if (uuid !== null) return uuid;
  if ([...text].length > MAX_NAME) {
    // The original's words, which its clients look for; the limit that they name is that of its older versions.
    throw new ResourceIdError('transformable resource id >255 max allowed characters');
  }
  const hash = createHash('sha1').update(NAMESPACE).update(`${text}\0${creator}`, 'utf8').digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return dashed(hash.toString('hex', 0, 16));
}

function dashed(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
