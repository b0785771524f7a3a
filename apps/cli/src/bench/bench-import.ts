import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { withTransaction } from '@quipu/platform';
import { type Pool } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { formatRate } from '../support/numbers.js';
import { type BenchRow } from './bench-row.js';
import { load } from './load.js';
import { type BenchContext, onStage, type Stage, withProjector } from './stage.js';
import { AS_TRACED, type SyntheticWorkload } from './synthetic-workload.js';

/** The tables that an append fills, and the columns as they stand there. */
const TABLES = ['log', 'event_ids'] as const;

/** An import to measure. */
interface Case {
  readonly name: string;
  readonly workload: Omit<SyntheticWorkload, 'jobs'>;
  readonly floor: BenchRow['floor'];
}

const DAY_S = 86_400;

/** Both at 200 to 330 jobs a day; the second has 9,600 tuples to sum under instead of 70. */
const CASES: readonly Case[] = [
  {
    name: 'a workload like a trace',
    // Runs are 13 minutes on average, as traced; the trace has no waits, which are the dearer part to sum.
    workload: {
      ...{ name: 'import', spanSeconds: 500 * DAY_S, longestRun: 1_530, longestWait: 1_800 },
      ...{ clusterPerJob: false, shape: AS_TRACED },
    },
    floor: { of: 'ratio', at: 'least', value: 0.2, goal: 0.25 },
  },
  {
    name: 'many of everything',
    workload: { name: 'import-wide', spanSeconds: 300 * DAY_S, longestRun: 40_000, clusterPerJob: false },
    floor: null,
  },
];

/**
 * `import --via log` until everything is appended and projected, against COPY of the very rows that it
 * wrote into empty tables of the same shape: same columns, indexes and partitions, in a database of its own.
 */
export async function benchImport(context: BenchContext): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const one of CASES)
    rows.push(...(await onStage(context, (stage) => measureCase(context, stage, one))));
  return rows;
}

async function measureCase(context: BenchContext, stage: Stage, { name, workload, floor }: Case) {
  const jobs = Math.round(100_000 * context.scale);
  context.say(`import: ${jobs * 3} events, ${name}`);
  const times = await withProjector(context, stage, (projector) =>
    load(context, stage, projector, { ...workload, jobs }),
  );
  const copySeconds = await measureCopy(context, stage);
  const reference = times.events / copySeconds;
  const row = (title: string, seconds: number, rowFloor: BenchRow['floor']): BenchRow => {
    const ours = times.events / seconds;
    return {
      ...{ bench: 'import', name: title, unit: 'events/s', floor: rowFloor },
      ...{ oursValue: ours, referenceValue: reference, ratio: ours / reference },
      ours: formatRate(ours),
      reference: `${formatRate(reference)} COPY`,
    };
  };
  return [
    row(`import --via log, ${name}: appended and projected`, times.projected, floor),
    row('  of that, appended', times.appended, null),
  ];
}

/** Seconds that COPY takes for the rows of a stage's log, into an empty database of the same schema. */
async function measureCopy(context: BenchContext, stage: Stage): Promise<number> {
  context.say('import: COPY of the same rows');
  for (const table of TABLES) await dump(stage.pool, table, fileOf(stage, table));
  const { rows } = await stage.pool.query<{ last: string }>('SELECT max(position)::text AS last FROM log');
  return onStage(context, async (empty) => {
    await empty.pool.query('SELECT log_ensure_partitions($1)', [Number(rows[0]?.last ?? 0) + 1]);
    const startedAt = performance.now();
    await withTransaction(empty.pool, async (client) => {
      for (const table of TABLES) {
        await pipeline(
          createReadStream(fileOf(stage, table)),
          client.query(copyFrom(`COPY ${table} FROM STDIN`)),
        );
      }
    });
    return (performance.now() - startedAt) / 1000;
  });
}

function fileOf(stage: Stage, table: string): string {
  return join(stage.directory, `${table}.copy`);
}

async function dump(pool: Pool, table: string, path: string): Promise<void> {
  const client = await pool.connect();
  try {
    const order = table === 'log' ? 'position' : 'position, identity';
    const rows = client.query(copyTo(`COPY (SELECT * FROM ${table} ORDER BY ${order}) TO STDOUT`));
    await pipeline(rows, createWriteStream(path));
  } finally {
    client.release();
  }
}
