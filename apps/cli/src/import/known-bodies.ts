import { type LogEvent } from '@quipu/contracts';
import { eventIdentity } from '@quipu/event-log';
import { pgArray } from '@quipu/platform';
import { type Pool } from 'pg';

/** What the log holds under an identity. */
export interface KnownBody {
  readonly bodyHash: Buffer;
  readonly position: bigint;
}

/**
 * Looks up what the log holds under the identities of some events, in their order; null: nothing. LATERAL
 * with LIMIT 1 keeps Postgres on the index while the table is young and its statistics say it is empty.
 */
export async function readKnownBodies(
  pool: Pool,
  events: readonly LogEvent[],
): Promise<(KnownBody | null)[]> {
  if (events.length === 0) return [];
  const identities = pgArray(events.map((event) => eventIdentity(event).toString('hex')));
  const { rows } = await pool.query<{ ordinal: string; body_hash: Buffer; position: string }>(
    `SELECT i.ordinal, known.body_hash, known.position
       FROM unnest($1::uuid[]) WITH ORDINALITY AS i(identity, ordinal)
      CROSS JOIN LATERAL (SELECT e.body_hash, e.position FROM event_ids e WHERE e.identity = i.identity LIMIT 1) known`,
    [identities],
  );
  const found = new Array<KnownBody | null>(events.length).fill(null);
  for (const row of rows) {
    found[Number(row.ordinal) - 1] = { bodyHash: row.body_hash, position: BigInt(row.position) };
  }
  return found;
}
