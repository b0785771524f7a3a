import type { RefusalReason } from '@quipu/contracts';
import type { Pool } from 'pg';
import { eventIdentity, type IdentityKey } from '../identity.js';

/** What the log keeps of one event, without its data. */
export interface LoggedEvent {
  position: bigint;
  /** When it was appended, ms; null if its part of the log is archived. */
  recordedMs: number | null;
  type: string | null;
  subject: string | null;
  /** When it occurred, ms. */
  timeMs: number | null;
}

/** One refusal of one body of an event. */
export interface EventRefusal {
  reason: RefusalReason;
  detail: string;
  status: string;
  firstSeenMs: number;
  lastSeenMs: number;
  seen: number;
}

/** All that is known of an identity: the event, and what was refused under it, newest first. */
export interface FoundEvent {
  logged: LoggedEvent | null;
  refusals: EventRefusal[];
}

/** Most refusals told of one event. */
const MAX_REFUSALS = 20;

const LOGGED = `
SELECT i.position, l.recorded_ms, l.type, l.subject, l.time_ms
FROM event_ids i LEFT JOIN LATERAL (SELECT * FROM log WHERE log.position = i.position) l ON true
WHERE i.identity = $1`;

const REFUSALS = `
SELECT reason, detail, status, first_seen_ms, last_seen_ms, seen FROM dead_letters
WHERE identity = $1 ORDER BY last_seen_ms DESC, id DESC LIMIT ${MAX_REFUSALS}`;

/** Looks an event up by its identity, in the log and among the dead letters. */
export async function findEvent(pool: Pool, key: IdentityKey): Promise<FoundEvent> {
  const identity = eventIdentity(key).toString('hex');
  const [logged, refused] = await Promise.all([
    pool.query<{
      position: string;
      recorded_ms: string | null;
      type: string | null;
      subject: string | null;
      time_ms: string | null;
    }>(LOGGED, [identity]),
    pool.query<{
      reason: RefusalReason;
      detail: string;
      status: string;
      first_seen_ms: string;
      last_seen_ms: string;
      seen: number;
    }>(REFUSALS, [identity]),
  ]);
  const row = logged.rows[0];
  return {
    logged:
      row === undefined
        ? null
        : {
            position: BigInt(row.position),
            recordedMs: row.recorded_ms === null ? null : Number(row.recorded_ms),
            type: row.type,
            subject: row.subject,
            timeMs: row.time_ms === null ? null : Number(row.time_ms),
          },
    refusals: refused.rows.map(({ reason, detail, status, first_seen_ms, last_seen_ms, seen }) => ({
      reason,
      detail,
      status,
      seen,
      firstSeenMs: Number(first_seen_ms),
      lastSeenMs: Number(last_seen_ms),
    })),
  };
}
