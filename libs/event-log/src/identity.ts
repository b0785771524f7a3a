import { createHash, hash } from 'node:crypto';
import { canonicalEvent, type LogEvent } from '@quipu/contracts';

/** What identifies an event for ever. */
export interface IdentityKey {
  tenant: string;
  source: string;
  id: string;
}

/** SHA-256 of `[tenant, source, id]` as JSON, in hexadecimal; its first 16 bytes are the identity. */
export function identitySum(key: IdentityKey): string {
  return hash('sha256', JSON.stringify([key.tenant, key.source, key.id]));
}

/** The 16 bytes under which an event's identity is stored. */
export function eventIdentity(key: IdentityKey): Buffer {
  return Buffer.from(identitySum(key).slice(0, 32), 'hex');
}

/** SHA-256 of the event's canonical JSON: the same identity with another hash is a conflict. */
export function bodyHash(event: LogEvent): Buffer {
  return createHash('sha256').update(canonicalEvent(event)).digest();
}
