import { createHash } from 'node:crypto';
import { canonicalEvent, type LogEvent, type RefusalReason, REFUSALS, toCloudEvent } from '@quipu/contracts';
import { pgArray } from '@quipu/platform';
import { type Pool } from 'pg';

const REASONS = Object.keys(REFUSALS) as RefusalReason[];

/**
 * Which of some events became dead letters at or after `sinceMs` (the database's clock), in their order, with
 * the reason; null: none. Dead letters are found by their fingerprint, the hash of bytes and reason; ingest
 * keeps an event either as it travelled or in its canonical form.
 */
export async function findRefusals(
  pool: Pool,
  events: readonly LogEvent[],
  sinceMs: number,
): Promise<(RefusalReason | null)[]> {
  const owners = new Map<string, number>();
  events.forEach((event, index) => {
    for (const raw of [canonicalEvent(event), JSON.stringify(toCloudEvent(event))]) {
      for (const reason of REASONS) owners.set(fingerprint(raw, reason), index);
    }
  });
  const found = new Array<RefusalReason | null>(events.length).fill(null);
  if (events.length === 0) return found;
  const { rows } = await pool.query<{ fingerprint: Buffer; reason: RefusalReason }>(
    `SELECT fingerprint, reason FROM dead_letters WHERE fingerprint = ANY ($1::bytea[]) AND last_seen_ms >= $2`,
    [pgArray([...owners.keys()].map((hex) => `\\x${hex}`)), sinceMs],
  );
  for (const row of rows) {
    const index = owners.get(row.fingerprint.toString('hex'));
    if (index !== undefined) found[index] = row.reason;
  }
  return found;
}

function fingerprint(raw: string, reason: RefusalReason): string {
  return createHash('sha256').update(raw).update(reason).digest('hex');
}
