import type { Scope } from '@quipu/access';
import type { LedgerSchema } from '@quipu/ledger';
import { TenantForbiddenError } from '@quipu/platform';
import type { Pool } from 'pg';
import { inLedgerSnapshot, type LedgerSnapshot } from '../past/ledger-snapshot.js';
import { withinScope } from '../scoped-filters.js';
import { LEVELS } from '../usage/dimensions.js';
import {
  type LevelFlowRow,
  levelFlowStatement,
  LONGEST_MS,
  MAX_CHANGES,
  RATE_MINUTES,
} from './level-flow.js';
import { type RecentAttempt, recentAttempts } from './recent-attempts.js';
import {
  MAX_EVENTS,
  type RecentFactRow,
  recentFactsStatement,
  type RecentSpanRow,
  recentSpanStatement,
} from './recent-facts.js';
import { RecentWindow } from './recent-window.js';

/** Clocks of reporters may run ahead by this much, ms: what happened in the window may have been recorded earlier. */
const MOST_AHEAD_MS = 5 * 60_000;

/** Rates per minute, over the last 1, 5 and 15 minutes. */
export type Rates = readonly [number, number, number];

/** Lengths of time: how many were looked at, their mean and 95th percentile (the nearest rank), ms. */
export interface Lengths {
  readonly count: number;
  readonly meanMs: number;
  readonly p95Ms: number;
}

/** How jobs flow through one queue of one tenant; `queue` is '' for jobs that named none. */
export interface QueueFlow {
  readonly tenant: string;
  readonly queue: string;
  /** Jobs that began to wait: queued, unblocked or due. */
  readonly arrivals: Rates;
  /** Jobs that ceased to wait: taken, or ended before that. */
  readonly departures: Rates;
  /** Runs that ended, whatever they came to; not those whose end is an estimate. */
  readonly completions: Rates;
  /** Of waits and runs that ended within the last 15 minutes; null if there was none. */
  readonly waits: Lengths | null;
  readonly runs: Lengths | null;
  /** Within the last 15 minutes some run ended by estimate: nobody told its end. */
  readonly estimated: boolean;
  /** Within them a job of it was started, as far as was looked. */
  readonly taken: boolean;
}

/** How jobs flowed lately, at one position of the log. Queues without traffic have no row. */
export interface FlowAnswer {
  readonly position: bigint;
  readonly asOf: number;
  /** Waits, runs and workers come from one event of so many; 1: from all of them. */
  readonly sampled: number;
  /** How far back rates reach, ms: 15 minutes, or less where more happened than is read. */
  readonly reachMs: number;
  readonly rows: QueueFlow[];
  /** The attempts behind waits and runs, for what else they tell. */
  readonly attempts: readonly RecentAttempt[];
}

/** What may narrow a question about flow. */
export interface FlowFilters {
  readonly tenant?: string;
  readonly queue?: string;
}

/** What is looked at, at most. */
export interface FlowLimits {
  /** Events of the last minutes that are all looked at; {@link MAX_WINDOW_EVENTS} if absent. */
  readonly windowEvents?: number;
  /** Events that are looked at where there are more; {@link MAX_EVENTS} if absent. */
  readonly sampleEvents?: number;
}

/**
 * How many jobs come, go and end per minute, and how long they waited and ran lately. Rates come from the changes of
 * the levels `waiting` and `running` within 15 minutes, lengths from the jobs that the log's events within them are
 * about: from all of them, or, where too much happened, from a sample; so that no answer costs more on a larger log or a
 * busier platform. What was looked at is kept for the next question: keep the object.
 */
export class FlowQueries {
  private readonly window: RecentWindow;
  private readonly sampleEvents: number;

  constructor(
    private readonly pool: Pool,
    { windowEvents, sampleEvents = MAX_EVENTS }: FlowLimits = {},
  ) {
    this.window = new RecentWindow(windowEvents);
    this.sampleEvents = sampleEvents;
  }

  /**
   * Flow up to `now` (ms) inside the scope.
   * @throws TenantForbiddenError if a filter lies outside the scope, or the scope is a single user's.
   */
  async flow(scope: Scope, now: number, filters: FlowFilters = {}): Promise<FlowAnswer> {
    return inLedgerSnapshot(this.pool, (snapshot) => this.flowAt(scope, now, filters, snapshot));
  }

  /** The same, inside a snapshot. */
  async flowAt(
    scope: Scope,
    now: number,
    filters: FlowFilters,
    snapshot: LedgerSnapshot,
  ): Promise<FlowAnswer> {
    if (scope.kind === 'user') {
      throw new TenantForbiddenError('Queues are counted per tenant: they need an admin of the tenant.');
    }
    const owner = withinScope<{ tenant?: string }>(
      scope,
      filters.tenant === undefined ? {} : { tenant: filters.tenant },
    );
    const { client, schema, position } = snapshot;
    if (schema === null) {
      return { position, asOf: now, sampled: 1, reachMs: LONGEST_MS, rows: [], attempts: [] };
    }
    const asked = { now, tenant: owner.tenant ?? null, queue: filters.queue ?? null };
    const levels = await client.query<LevelFlowRow & Record<string, unknown>>(
      levelFlowStatement(schema, asked, ['waiting', 'running', 'running_estimated']),
    );
    const { sampled, found } = await this.recent(now, asked.tenant, { ...snapshot, schema });
    const within = (end: number): boolean => end > now - LONGEST_MS && end <= now;
    const attempts = found
      .filter(
        ({ tenant, queue }) =>
          (asked.tenant === null || tenant === asked.tenant) &&
          (asked.queue === null || queue === asked.queue),
      )
      .map((attempt) => ({
        ...attempt,
        wait: attempt.wait !== null && within(attempt.wait.end) ? attempt.wait : null,
        run: attempt.run !== null && within(attempt.run.end) ? attempt.run : null,
      }))
      .filter(({ wait, run }) => wait !== null || run !== null);
    const reach = reachOf(levels.rows, now);
    const rows = summed(levels.rows, attempts, { now, sampled, reach });
    return { position, asOf: now, sampled, reachMs: Math.min(reach.waiting, reach.running), rows, attempts };
  }

  /** What ended lately: all of it, or of one event of so many. */
  private async recent(
    now: number,
    tenant: string | null,
    { client, schema, position }: LedgerSnapshot & { readonly schema: LedgerSchema },
  ): Promise<{ sampled: number; found: RecentAttempt[] }> {
    const question = { checkpoint: position, sinceMs: now - LONGEST_MS - MOST_AHEAD_MS };
    const spans = await client.query<RecentSpanRow>(recentSpanStatement(question));
    const { low, epoch } = spans.rows[0] ?? { low: String(position), epoch: '' };
    const span = { schema, epoch, low: BigInt(low), head: position, sinceMs: question.sinceMs };
    const whole = await this.window.attempts(client, span);
    if (whole !== null) return { sampled: 1, found: whole };
    const facts = await client.query<RecentFactRow & Record<string, unknown>>(
      recentFactsStatement(schema, { ...question, tenant }, this.sampleEvents),
    );
    return { sampled: Number(facts.rows[0]?.stride ?? 1), found: recentAttempts(facts.rows) };
  }
}

interface Counts {
  readonly tenant: string;
  readonly queue: string;
  readonly arrivals: number[];
  readonly departures: number[];
  readonly completions: number[];
  readonly waits: number[];
  readonly runs: number[];
  /** Ends that are estimates. */
  estimated: number;
  taken: boolean;
}

/** How far back the changes of each level were read, ms. */
interface Reach {
  readonly waiting: number;
  readonly running: number;
}

function reachOf(rows: readonly LevelFlowRow[], now: number): Reach {
  const of = (level: number): number => {
    const row = rows.find((one) => one.tenant === null && one.level === level);
    if (row === undefined || row.oldest === null || Number(row.read) < MAX_CHANGES) return LONGEST_MS;
    return Math.max(1, now - Number(row.oldest));
  };
  return { waiting: of(LEVELS.waiting), running: of(LEVELS.running) };
}

function summed(
  levels: readonly LevelFlowRow[],
  attempts: readonly RecentAttempt[],
  { now, sampled, reach }: { readonly now: number; readonly sampled: number; readonly reach: Reach },
): QueueFlow[] {
  const queues = new Map<string, Counts>();
  const of = (tenant: string, queue: string): Counts => {
    const name = JSON.stringify([tenant, queue]);
    let found = queues.get(name);
    if (found === undefined) {
      const none = (): number[] => RATE_MINUTES.map(() => 0);
      found = {
        tenant,
        queue,
        arrivals: none(),
        departures: none(),
        completions: none(),
        waits: [],
        runs: [],
        ...{ estimated: 0, taken: false },
      };
      queues.set(name, found);
    }
    return found;
  };
  for (const { level, tenant, queue, ups, downs } of levels) {
    if (tenant === null || ups === null || downs === null) continue;
    const counts = of(tenant, queue ?? '');
    RATE_MINUTES.forEach((_, i) => {
      if (level === LEVELS.waiting) {
        counts.arrivals[i]! += Number(ups[i]);
        counts.departures[i]! += Number(downs[i]);
      } else if (level === LEVELS.running) {
        counts.completions[i]! += Number(downs[i]);
      } else {
        // Ends are read as far back as `running` reaches; of estimates of a longer time as large a part is taken.
        const part = Math.min(1, reach.running / ((RATE_MINUTES[i] ?? 1) * 60_000));
        counts.completions[i]! -= Math.round(Number(downs[i]) * part);
        counts.estimated += Number(downs[i]);
      }
    });
  }
  for (const { tenant, queue, wait, run, taken } of attempts) {
    const counts = of(tenant, queue);
    counts.taken ||= taken && wait !== null;
    const add = (to: number[], end: number): void =>
      RATE_MINUTES.forEach((minutes, i) => {
        if (end > now - minutes * 60_000) to[i]! += sampled;
      });
    // What takes no time leaves no trace in a level.
    if (wait?.ms === 0) {
      add(counts.arrivals, wait.end);
      add(counts.departures, wait.end);
    }
    if (run?.ms === 0) add(counts.completions, run.end);
    if (wait !== null) counts.waits.push(wait.ms);
    if (run !== null) counts.runs.push(run.ms);
  }
  const rates = (counts: readonly number[], reachMs: number): Rates =>
    RATE_MINUTES.map((minutes, i) => {
      const over = Math.min(minutes * 60_000, reachMs);
      return Math.max(0, Math.round(((counts[i] ?? 0) * 60_000 * 100) / over) / 100);
    }) as unknown as Rates;
  return [...queues.values()].map(({ tenant, queue, ...counts }) => ({
    ...{ tenant, queue },
    arrivals: rates(counts.arrivals, reach.waiting),
    departures: rates(counts.departures, reach.waiting),
    completions: rates(counts.completions, reach.running),
    waits: lengthsOf(counts.waits),
    runs: lengthsOf(counts.runs),
    ...{ estimated: counts.estimated > 0, taken: counts.taken },
  }));
}

/** Mean and 95th percentile; null of nothing. */
function lengthsOf(all: number[]): Lengths | null {
  if (all.length === 0) return null;
  all.sort((a, b) => a - b);
  const sum = all.reduce((total, one) => total + one, 0);
  const p95Ms = all[Math.ceil(all.length * 0.95) - 1]!;
  return { count: all.length, meanMs: Math.round(sum / all.length), p95Ms };
}
