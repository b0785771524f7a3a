import { createPool } from '@quipu/platform';
import { READER_SESSION, type UsageAnswer, UsageQueries } from '@quipu/read-models';
import { type Pool } from 'pg';
import { localScope } from '../support/scope.js';
import { type CommandProjector } from '../support/projector.js';
import { type BenchRow, type Measured, timeAnswers } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';
import { LARGEST_TENANT, type SyntheticWorkload } from './synthetic-workload.js';
import { createIntervals, intervalsUsage, type IntervalQuery } from './intervals-reference.js';

interface Case {
  readonly name: string;
  readonly tenant?: string;
}

interface Variant {
  readonly name: string;
  readonly workload: Omit<SyntheticWorkload, 'jobs' | 'firstJob'>;
  readonly cases: readonly Case[];
}

const DAY_S = 86_400;
const PLATFORM: Case = { name: 'platform-wide' };
const TENANT: Case = { name: 'largest tenant', tenant: LARGEST_TENANT };

const VARIANTS: readonly Variant[] = [
  {
    name: 'over 300 days',
    workload: { name: 'usage-days', spanSeconds: 300 * DAY_S, longestRun: 40_000, clusterPerJob: false },
    cases: [PLATFORM, TENANT],
  },
  {
    name: 'cluster = job id',
    workload: { name: 'usage-clusters', spanSeconds: 300 * DAY_S, longestRun: 40_000, clusterPerJob: true },
    cases: [PLATFORM, TENANT],
  },
  {
    name: 'all in one hour',
    workload: { name: 'usage-hour', spanSeconds: 2_900, longestRun: 500, clusterPerJob: false },
    cases: [PLATFORM, TENANT],
  },
];

const SAMPLES = 300;
const REFERENCE_SAMPLES = 40;
const WARM_UP = 20;

/**
 * Usage over the whole range at the read model, against SQL over a table of intervals with indexes in the
 * same Postgres, over a million events; and against itself over a tenth of them.
 */
export async function benchUsage(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const variant of VARIANTS) {
    rows.push(...(await onStage(context, (stage) => measureVariant(context, stage, variant))));
  }
  return rows;
}

async function measureVariant(context: BenchContext, stage: Stage, variant: Variant): Promise<BenchRow[]> {
  const all = Math.round((1_000_000 / 3) * context.scale);
  const tenth = Math.round(all / 10);
  const fill = (projector: CommandProjector, jobs: number, firstJob: number) => {
    context.say(`usage, ${variant.name}: ${(firstJob + jobs - 1) * 3} events`);
    return load(context, stage, projector, { ...variant.workload, jobs, firstJob });
  };
  await withProjector(context, stage, (projector) => fill(projector, tenth, 1));
  const small = await measureCases(context, stage, variant.cases);
  await withProjector(context, stage, (projector) => fill(projector, all - tenth, tenth + 1));
  const large = await measureCases(context, stage, variant.cases);
  await createIntervals(stage.pool);
  const rows: BenchRow[] = [];
  for (const [index, test] of variant.cases.entries()) {
    await checkSame(context, stage.pool, test);
    const reference = await measureReference(stage.pool, test);
    rows.push(...rowsOf(variant, test, { small: small[index]!, large: large[index]!, reference }));
  }
  return rows;
}

/** A comparison of two numbers that differ would be worth nothing. */
async function checkSame(context: BenchContext, pool: Pool, test: Case): Promise<void> {
  const ours = (await askLedger(new UsageQueries(pool), context, test)).rows[0]?.total;
  const theirs = await intervalsUsage(pool, referenceQuery(test));
  if (ours !== theirs)
    throw new Error(`usage ${test.name}: the ledger says ${ours} ms, the intervals ${theirs} ms`);
}

async function measureCases(
  context: BenchContext,
  stage: Stage,
  cases: readonly Case[],
): Promise<Measured[]> {
  await stage.pool.query('VACUUM ANALYZE');
  // As the API asks: with the session settings that the queries are written for.
  const pool = createPool(stage.services.databaseUrl, { session: READER_SESSION, max: 1 });
  try {
    const queries = new UsageQueries(pool);
    const measured: Measured[] = [];
    for (const test of cases) {
      measured.push(
        await timeAnswers({ samples: SAMPLES, warmUp: WARM_UP }, () => askLedger(queries, context, test)),
      );
    }
    return measured;
  } finally {
    await pool.end();
  }
}

async function measureReference(pool: Pool, test: Case): Promise<Measured> {
  return timeAnswers({ samples: REFERENCE_SAMPLES, warmUp: WARM_UP }, () =>
    intervalsUsage(pool, referenceQuery(test)),
  );
}

function askLedger(queries: UsageQueries, context: BenchContext, test: Case): Promise<UsageAnswer> {
  const filters = test.tenant === undefined ? {} : { tenant: test.tenant };
  return queries.usage(localScope(), { level: 'nodes', now: context.cli.clock.now(), start: 0, filters });
}

function referenceQuery(test: Case): IntervalQuery {
  return { startMs: 0, endMs: Date.now(), ...(test.tenant === undefined ? {} : { tenant: test.tenant }) };
}

function rowsOf(
  variant: Variant,
  test: Case,
  { small, large, reference }: { small: Measured; large: Measured; reference: Measured },
): BenchRow[] {
  const text = ({ p50, p99 }: Measured): string => `${p50.toFixed(2)} / ${p99.toFixed(2)} ms`;
  const growth = large.p50 / small.p50;
  return [
    {
      ...{ bench: 'usage', name: `usage ${test.name}, ${variant.name} (p50 / p99)`, unit: 'ms' },
      ...{ oursValue: large.p50, referenceValue: reference.p50, ratio: reference.p50 / large.p50 },
      ours: text(large),
      reference: `${text(reference)} SQL`,
      floor: { of: 'ratio', at: 'least', value: 20 },
    },
    {
      ...{ bench: 'usage', name: '  grown from a tenth of the data', unit: 'times' },
      ...{ oursValue: growth, referenceValue: null, ratio: null },
      ours: `${growth.toFixed(2)}×`,
      reference: `${text(small)} at 1/10`,
      floor: { of: 'ours', at: 'most', value: 1.5 },
    },
  ];
}
