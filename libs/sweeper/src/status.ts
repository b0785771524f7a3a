import type { Pool } from 'pg';
import { ASIDE_REASONS, type AsideReason } from './standing.js';

/** What the sweeper does, as it last said, and what it has said since the log began. */
export interface SweeperStatus {
  /**
   * `judging`: silent workers are found. `aside`: not now, see `reason`. `silent`: no sweeper has been at work for a
   * while: no projector runs, or it is turned off.
   */
  readonly state: 'judging' | 'aside' | 'silent';
  /** Why it stands aside, in words; null if it does not. */
  readonly reason: string | null;
  /** Since when it stands aside, ms; null if it does not. */
  readonly sinceMs: number | null;
  /** Lives of workers declared lost, attempts ended by estimate with them, and ends taken back. */
  readonly lost: bigint;
  readonly ended: bigint;
  readonly woken: bigint;
}

/** Without a word for so long, nobody sweeps, ms. */
const SILENT_AFTER_MS = 60_000;

interface StatusRow {
  lost: string;
  ended: string;
  woken: string;
  aside: string | null;
  aside_since_ms: string | null;
  seen_ms: string | null;
  now_ms: string;
}

/** What the sweeper last said. */
export async function readSweeperStatus(pool: Pick<Pool, 'query'>): Promise<SweeperStatus> {
  const { rows } = await pool.query<StatusRow>(
    `SELECT lost, ended, woken, aside, aside_since_ms, seen_ms,
            floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms FROM sweeper_state`,
  );
  const row = rows[0]!;
  const silent = row.seen_ms === null || Number(row.now_ms) - Number(row.seen_ms) > SILENT_AFTER_MS;
  const aside = !silent && row.aside !== null;
  return {
    state: silent ? 'silent' : aside ? 'aside' : 'judging',
    reason: aside ? (ASIDE_REASONS[row.aside as AsideReason] ?? row.aside) : null,
    sinceMs: aside && row.aside_since_ms !== null ? Number(row.aside_since_ms) : null,
    ...{ lost: BigInt(row.lost), ended: BigInt(row.ended), woken: BigInt(row.woken) },
  };
}
