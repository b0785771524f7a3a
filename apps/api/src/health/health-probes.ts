import { EventLog } from '@quipu/event-log';
import { LEDGER_PROJECTION, neededBy, readDrift, TotalsReader } from '@quipu/ledger';
import { type Clock } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { pendingMigrations } from '@quipu/schema';
import { type Redis } from 'ioredis';
import { type Pool } from 'pg';

/** What the probes look at. The connections are the ones requests use, not connections of their own. */
export interface HealthProbesOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly clock: Clock;
  /** Lag of the projection, in seconds, from which it counts as degraded. */
  readonly lagWarnSeconds: number;
}

/** Outcome of one probe: null when all is well, else the reason in words. */
export type ProbeOutcome = string | null;

/**
 * What readiness asks. `postgres` failing means not ready; the others mean degraded: the API still answers, from
 * Postgres when Redis is away, and from the last checkpoint when the projection stands still.
 */
export class HealthProbes {
  private readonly log: EventLog;
  private readonly totals: TotalsReader;

  constructor(private readonly options: HealthProbesOptions) {
    this.log = new EventLog(options.pool);
    this.totals = new TotalsReader(options.redis);
  }

  /** Reachable and migrated, or the reason why not. */
  async postgres(): Promise<ProbeOutcome> {
    let pending: string[];
    try {
      pending = await pendingMigrations(this.options.pool);
    } catch {
      return 'Postgres does not answer.';
    }
    return pending.length === 0 ? null : `${pending.length} migrations have not run; run: quipu migrate`;
  }

  /** Running totals usable: Redis there, its totals those of this ledger, and not known to differ from Postgres. */
  async redis(): Promise<ProbeOutcome> {
    const checkpoint = await readCheckpoint(this.options.pool, LEDGER_PROJECTION);
    if (checkpoint === null) return 'There is no live ledger projection.';
    const answer = await this.totals.read({
      epoch: checkpoint.epoch,
      now: this.options.clock.now(),
      amounts: 'none',
    });
    if (!answer.usable) return `Running totals are ${answer.reason}: answers come from Postgres.`;
    const known = await readDrift(this.options.redis);
    if (known === null || !known.current || known.drift === 0 || known.healed) return null;
    return `Running totals differ from Postgres in ${known.drift} series; run: quipu reconcile --heal`;
  }

  /** The projection runs and keeps up. */
  async projection(): Promise<ProbeOutcome> {
    const checkpoint = await readCheckpoint(this.options.pool, LEDGER_PROJECTION);
    if (checkpoint === null) return 'There is no live ledger projection.';
    if (checkpoint.haltedPosition !== null) {
      return `The projection is halted at position ${checkpoint.haltedPosition}.`;
    }
    const needs = neededBy(checkpoint.codeHash);
    if (needs !== null)
      return `The projection stands still: other code made it; run: quipu projections ${needs}`;
    const oldest = await this.log.oldestRecordedAfter(checkpoint.position);
    const seconds = oldest === null ? 0 : (this.options.clock.now() - oldest) / 1000;
    if (seconds < this.options.lagWarnSeconds) return null;
    return `The projection is ${Math.round(seconds)} s behind the log.`;
  }
}
