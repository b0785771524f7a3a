import type { JobState, LedgerSchema } from '@quipu/ledger';
import type { PoolClient } from 'pg';
import { readJobStates } from '../fleet/held-jobs.js';
import { attemptsSince, type RecentAttempt } from './recent-attempts.js';
import { type TouchedJobRow, touchedJobsStatement } from './recent-facts.js';

/** Most events of the last minutes that are looked at one by one. */
export const MAX_WINDOW_EVENTS = 50_000;

/** States that are read at once: between two such steps others have their turn. */
const STATES_AT_ONCE = 500;

/** The part of the log that is asked about, and where it is read. */
export interface WindowSpan {
  readonly schema: LedgerSchema;
  readonly epoch: string;
  /** Positions after `low`, up to `head`: the checkpoint of the snapshot that is read in. */
  readonly low: bigint;
  readonly head: bigint;
  /** Since when these positions were recorded, as far as clocks may differ, ms. */
  readonly sinceMs: number;
}

interface WindowJob {
  /** Position of the last event about it that was read. */
  readonly touched: bigint;
  readonly attempts: readonly RecentAttempt[];
}

/**
 * What ended within the last minutes, whole: every job that events of that time are about is looked at as it stands.
 * What was read is kept, so that the next question reads on from there, and costs as much as happened in between. Where
 * more happened than {@link MAX_WINDOW_EVENTS}, nothing is read.
 */
export class RecentWindow {
  private place: { schema: LedgerSchema; epoch: string; from: bigint; to: bigint } | null = null;
  /** In the order of `touched`. */
  private readonly jobs = new Map<string, WindowJob>();
  /** One reads at a time. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly maxEvents = MAX_WINDOW_EVENTS) {}

  /** The attempts of all tenants whose wait or run ended since, and perhaps some older ones; null if there are too many. */
  async attempts(client: PoolClient, span: WindowSpan): Promise<RecentAttempt[] | null> {
    const mine = this.turn.then(() => this.readOn(client, span));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async readOn(client: PoolClient, span: WindowSpan): Promise<RecentAttempt[] | null> {
    const { schema, epoch, low, head } = span;
    if (head - low > BigInt(this.maxEvents)) {
      // What is known may be of use again: a platform may be about as busy as this can follow.
      this.leave(low);
      return null;
    }
    const { place } = this;
    const kept = place !== null && place.schema === schema && place.epoch === epoch ? place : null;
    const known = kept !== null && kept.from <= low && kept.to >= low;
    if (!known) this.forget();
    const from = known ? kept.to : low;
    // A snapshot may be older than the one that was read before: what is known already is later, and as true.
    if (from < head) await this.read(client, span, from);
    this.place = { schema, epoch, from: low, to: from < head ? head : from };
    this.leave(low);
    return [...this.jobs.values()].flatMap(({ attempts }) => attempts);
  }

  private async read(client: PoolClient, { schema, head, sinceMs }: WindowSpan, from: bigint): Promise<void> {
    const { rows } = await client.query<TouchedJobRow>(touchedJobsStatement(from, head));
    const name = (tenant: string, id: string): string => JSON.stringify([tenant, id]);
    // Of a job that is not known, only the facts that end something matter; of one that is, any may change what it was.
    const wanted = rows.filter((row) => row.ends || this.jobs.has(name(row.tenant, row.subject)));
    for (let at = 0; at < wanted.length; at += STATES_AT_ONCE) {
      const some = wanted.slice(at, at + STATES_AT_ONCE);
      const keys = some.map(({ tenant, subject: id }) => ({ tenant, id }));
      const stored = await readJobStates(client, schema, keys);
      const states = new Map(stored.map((row) => [name(row.tenant, row.id), row]));
      for (const { tenant, subject, position } of some) {
        const place = name(tenant, subject);
        const state = states.get(place)?.state;
        this.jobs.delete(place);
        if (state === undefined) continue;
        const attempts = attemptsSince(tenant, JSON.parse(state) as JobState, sinceMs);
        this.jobs.set(place, { touched: BigInt(position), attempts });
      }
    }
  }

  /** Forgets what lies before the span. */
  private leave(low: bigint): void {
    for (const [name, { touched }] of this.jobs) {
      if (touched > low) break;
      this.jobs.delete(name);
    }
    if (this.place !== null && this.place.from < low) this.place = { ...this.place, from: low };
  }

  private forget(): void {
    this.place = null;
    this.jobs.clear();
  }
}
