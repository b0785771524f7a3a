import type { Pool } from 'pg';
import { hashArray } from '../append/binary-array.js';
import { type IdentityKey, identitySum } from '../identity.js';

/** Where an event is in the log, and the hash of its body (`bodyHash`). */
export interface LocatedEvent {
  position: bigint;
  bodyHash: Buffer;
}

/** One look-up per key, as {@link KNOWN_IDENTITIES} does it, and for the same reason. */
export const LOCATE_EVENTS = `
SELECT asked.ordinal, found.position, found.body_hash
FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(identity, ordinal)
CROSS JOIN LATERAL (
  SELECT stored.position, stored.body_hash FROM event_ids stored WHERE stored.identity = asked.identity LIMIT 1
) found`;

/** Where the event of each key is, null for those that the log does not hold, in the order of the keys. */
export async function locateEvents(
  pool: Pool,
  keys: readonly IdentityKey[],
): Promise<(LocatedEvent | null)[]> {
  const { rows } = await pool.query<{ ordinal: string; position: string; body_hash: Buffer }>(LOCATE_EVENTS, [
    hashArray(keys.map(identitySum), 'uuid'),
  ]);
  const located = new Array<LocatedEvent | null>(keys.length).fill(null);
  for (const { ordinal, position, body_hash } of rows) {
    located[Number(ordinal) - 1] = { position: BigInt(position), bodyHash: body_hash };
  }
  return located;
}
