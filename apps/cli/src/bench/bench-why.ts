import { createPool } from '@quipu/platform';
import {
  READER_SESSION,
  type UsageFilters,
  UsageQueries,
  type WhyAnswer,
  WhyQueries,
} from '@quipu/read-models';
import { type Pool } from 'pg';
import { formatCount } from '../support/numbers.js';
import { localScope } from '../support/scope.js';
import { type BenchRow, type Measured, timeAnswers } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';
import { LARGEST_TENANT, ONE_OF_ITS_USERS, SYNTHETIC_START_S } from './synthetic-workload.js';

interface Case {
  readonly name: string;
  readonly filters: UsageFilters;
}

const CASES: readonly Case[] = [
  { name: 'platform-wide', filters: {} },
  { name: 'largest tenant', filters: { tenant: LARGEST_TENANT } },
  { name: 'one user', filters: { tenant: LARGEST_TENANT, user: ONE_OF_ITS_USERS } },
];

const DAY_MS = 86_400_000;
const SPAN_DAYS = 300;
const WINDOWS = [
  { name: 'one day', start: dayAt(SPAN_DAYS / 2), end: dayAt(SPAN_DAYS / 2 + 1) },
  { name: 'whole range', start: 0, end: undefined },
] as const;

/** At scale 1 and above; fewer below. */
const SAMPLES = 100;
/** A question about everything takes long: it is asked as often as fits in here. */
const BUDGET_MS = 10_000;

/** Why node-seconds are what they are, over a million events: the first page of 100 intervals, and the sum of all. */
export async function benchWhy(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round((1_000_000 / 3) * context.scale);
  const workload = {
    ...{ name: 'why', jobs, spanSeconds: SPAN_DAYS * 86_400, longestRun: 40_000, clusterPerJob: false },
  };
  return onStage(context, async (stage) => {
    context.say(`why: ${formatCount(jobs * 3)} events`);
    await withProjector(context, stage, (projector) => load(context, stage, projector, workload));
    return measureCases(context, stage);
  });
}

function dayAt(day: number): number {
  return SYNTHETIC_START_S * 1000 + Math.floor(day) * DAY_MS;
}

async function measureCases(context: BenchContext, stage: Stage): Promise<BenchRow[]> {
  await stage.pool.query('VACUUM ANALYZE');
  // As the API asks: with the session settings that the queries are written for.
  const pool = createPool(stage.services.databaseUrl, { session: READER_SESSION, max: 1 });
  const samples = Math.max(5, Math.round(SAMPLES * Math.min(1, context.scale)));
  try {
    const rows: BenchRow[] = [];
    for (const { name, filters } of CASES) {
      for (const window of WINDOWS) {
        context.cli.interrupted.throwIfAborted();
        const answer = await checkSame(context, pool, filters, window);
        context.say(`why: ${name}, ${window.name}: ${formatCount(answer.intervals)} intervals`);
        const measured = await timeAnswers({ samples, warmUp: 1, budgetMs: BUDGET_MS }, () =>
          ask(context, pool, filters, window),
        );
        rows.push(rowOf(`why ${name}, ${window.name} (p50 / p99)`, measured, answer));
      }
    }
    return rows;
  } finally {
    await pool.end();
  }
}

interface Window {
  readonly start: number;
  readonly end: number | undefined;
}

function ask(
  context: BenchContext,
  pool: Pool,
  filters: UsageFilters,
  { start, end }: Window,
): Promise<WhyAnswer> {
  const until = end === undefined ? {} : { end };
  return new WhyQueries(pool).why(localScope(), {
    ...{ measure: 'node_seconds', now: context.cli.clock.now(), start, ...until, filters },
  });
}

/** Reasons that add up to something else would be worth nothing. */
async function checkSame(
  context: BenchContext,
  pool: Pool,
  filters: UsageFilters,
  window: Window,
): Promise<WhyAnswer> {
  const answer = await ask(context, pool, filters, window);
  const usage = await new UsageQueries(pool).usage(localScope(), {
    ...{ level: 'nodes', now: answer.asOf, start: window.start, end: window.end ?? answer.asOf, filters },
  });
  const total = usage.rows[0]?.total ?? 0n;
  if (total !== answer.total)
    throw new Error(`usage says ${total} ms, its reasons add up to ${answer.total} ms`);
  return answer;
}

function rowOf(name: string, { p50, p99 }: Measured, { intervals }: WhyAnswer): BenchRow {
  const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  return {
    ...{ bench: 'why', name, unit: 'ms', ours: `${ms(p50)} / ${ms(p99)} ms` },
    ...{ oursValue: p50, referenceValue: null, ratio: null, floor: null },
    reference: `${formatCount(intervals)} intervals`,
  };
}
