import type { Pool } from 'pg';
import { hashArray } from '../append/binary-array.js';
import { type IdentityKey, identitySum } from '../identity.js';

/** One look-up per key: `= ANY` and a plain join may scan all of `event_ids` while it was never analysed. */
export const KNOWN_IDENTITIES = `
SELECT asked.ordinal FROM unnest($1::uuid[]) WITH ORDINALITY AS asked(identity, ordinal)
CROSS JOIN LATERAL (SELECT 1 FROM event_ids stored WHERE stored.identity = asked.identity LIMIT 1) found`;

/** Whether the log holds an event of each key, in the order of the keys. */
export async function knownIdentities(pool: Pool, keys: readonly IdentityKey[]): Promise<boolean[]> {
  const { rows } = await pool.query<{ ordinal: string }>(KNOWN_IDENTITIES, [
    hashArray(keys.map(identitySum), 'uuid'),
  ]);
  const known = new Array<boolean>(keys.length).fill(false);
  for (const { ordinal } of rows) known[Number(ordinal) - 1] = true;
  return known;
}
