import { LEDGER_PROJECTION, neededBy } from '@quipu/ledger';
import type { Pool } from 'pg';

/** Where the log and the ledger projection stand, read in one statement. */
export interface LedgerStatus {
  /** Position of the last committed event; 0 while there is none. */
  readonly logPosition: bigint;
  /** Every event up to here is in the numbers. */
  readonly checkpoint: bigint;
  /** Committed events after the checkpoint. */
  readonly lagEvents: bigint;
  /** How long ago (ms, by the database's clock) the first event after the checkpoint was recorded; 0 if none. */
  readonly lagMs: number;
  /** The poison event the projection stands still at, and why; null while it runs. */
  readonly halted: { readonly position: bigint; readonly error: string; readonly sinceMs: number } | null;
  /**
   * The projection refuses to go on from tables that other code made, or code with other buckets: what has to be run;
   * null while it does not.
   */
  readonly needs: 'reseed' | 'rebuild' | null;
  /** Dead letters that nobody has dealt with. */
  readonly deadLetters: number;
  readonly epoch: string | null;
}

interface StatusRow {
  log_position: string;
  checkpoint: string | null;
  lag_events: string;
  lag_ms: string;
  halted_position: string | null;
  halted_error: string | null;
  halted_ms: string | null;
  code_hash: string | null;
  dead_letters: string;
  epoch: string | null;
}

/** What lags is counted by batches: only the one that the checkpoint lies within is looked at event by event. */
const STATUS = `
WITH live AS (
  SELECT p.position, p.halted_position, p.halted_error, p.halted_ms, p.code_hash FROM projections p
   WHERE p.name = $1 AND p.status = 'live')
SELECT coalesce((SELECT position FROM log ORDER BY position DESC LIMIT 1), 0) AS log_position,
       l.position AS checkpoint,
       (SELECT coalesce(sum(CASE
                  WHEN d.first_position > coalesce(l.position, 0) THEN d.events
                  WHEN d.last_position < (SELECT max(end_position) FROM log_archives WHERE detached_ms IS NOT NULL)
                    THEN least(d.events, d.last_position - coalesce(l.position, 0))
                  ELSE (SELECT count(*) FROM log g
                         WHERE g.position > coalesce(l.position, 0) AND g.position <= d.last_position)
                END), 0)
          FROM log_digests d WHERE d.last_position > coalesce(l.position, 0))
         AS lag_events,
       coalesce(greatest(0, floor(extract(epoch FROM clock_timestamp()) * 1000) - (
         SELECT coalesce(
           (SELECT a.first_recorded_ms FROM log_archives a WHERE a.end_position > coalesce(l.position, 0) + 1
             ORDER BY a.first_position LIMIT 1),
           (SELECT recorded_ms FROM log g WHERE g.position > coalesce(l.position, 0) ORDER BY g.position LIMIT 1)))), 0)
         AS lag_ms,
       l.halted_position, l.halted_error, l.halted_ms, l.code_hash,
       (SELECT count(*) FROM dead_letters WHERE status = 'open') AS dead_letters,
       (SELECT epoch FROM ledger_epoch) AS epoch
  FROM (SELECT 1) one LEFT JOIN live l ON true`;

/** How far the numbers are behind the log, measured against what is committed. Platform knowledge: not for tenants. */
export class StatusQueries {
  constructor(private readonly pool: Pool) {}

  /** One consistent reading. */
  async read(): Promise<LedgerStatus> {
    const { rows } = await this.pool.query<StatusRow>(STATUS, [LEDGER_PROJECTION]);
    const row = rows[0]!;
    return {
      logPosition: BigInt(row.log_position),
      checkpoint: BigInt(row.checkpoint ?? 0),
      lagEvents: BigInt(row.lag_events),
      lagMs: Number(row.lag_ms),
      halted:
        row.halted_position === null
          ? null
          : {
              position: BigInt(row.halted_position),
              error: row.halted_error ?? '',
              sinceMs: Number(row.halted_ms ?? 0),
            },
      needs: neededBy(row.code_hash ?? ''),
      deadLetters: Number(row.dead_letters),
      epoch: row.epoch,
    };
  }
}
