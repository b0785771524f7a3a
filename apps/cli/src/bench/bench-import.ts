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

/** The tables that an append fills, and the columns as they stand there. */
const TABLES = ['log', 'event_ids'] as const;

/**
 * `import --via log` until everything is appended and projected, against COPY of the very rows that it
 * wrote into empty tables of the same shape: same columns, indexes and partitions, in a database of its own.
 */
export async function benchImport(context: BenchContext): Promise<BenchRow[]> {
  const jobs = Math.round(100_000 * context.scale);
  return onStage(context, async (stage) => {
    context.say(`import: ${jobs * 3} events of a synthetic workload`);
    const workload = {
      name: 'import',
      jobs,
      spanSeconds: 86_400 * 300,
      longestRun: 40_000,
      clusterPerJob: false,
    };
    const times = await withProjector(context, stage, (projector) =>
      load(context, stage, projector, workload),
    );
    const copySeconds = await measureCopy(context, stage);
    const ours = times.events / times.projected;
    const reference = times.events / copySeconds;
    const appended = times.events / times.appended;
    return [
      {
        ...{ bench: 'import', name: 'import --via log, appended and projected', unit: 'events/s' },
        ...{ oursValue: ours, referenceValue: reference, ratio: ours / reference },
        ours: formatRate(ours),
        reference: `${formatRate(reference)} COPY`,
        floor: { of: 'ratio', at: 'least', value: 0.2, goal: 0.25 },
      },
      {
        ...{ bench: 'import', name: '  of that, appended', unit: 'events/s', floor: null },
        ...{ oursValue: appended, referenceValue: reference, ratio: appended / reference },
        ours: formatRate(appended),
        reference: `${formatRate(reference)} COPY`,
      },
    ];
  });
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
