import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@quipu/platform';
import { writeWorkload } from '../../apps/cli/src/bench/synthetic-workload.js';
import { killChildren, startNode } from '../crash/support/child-process.js';
import { waitFor } from '../crash/support/wait-for.js';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector } from '../int/cli/test-projector.js';
import { repository } from '../support/environment.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const JOBS = 1_200;
const directory = mkdtempSync(join(tmpdir(), 'quipu-restore-kill-'));
const file = join(directory, 'good.backup');

let source: TestDatabase;
let redis: TestRedis;
let cli: TestCli;
let usage: { rows: unknown };

beforeAll(async () => {
  source = await testDatabase();
  redis = await testRedis();
  cli = testCli({ database: source.url, redis: redis.url }, systemClock);
  const workload = join(directory, 'workload.swf');
  await writeWorkload(workload, {
    ...{ name: 'restore-kill', jobs: JOBS, spanSeconds: 86_400, longestRun: 4_000, clusterPerJob: false },
  });
  const projector = await startTestProjector(source.url, redis.url);
  await cli.json('import', workload, '--via', 'log');
  usage = await cli.json('usage', '--by', 'tenant,user', '--end', '2026-01-01');
  await projector.stop();
  await cli.json('backup', file);
}, 120_000);

afterAll(async () => {
  await killChildren();
  cli.close();
  await source.drop();
  await redis.release();
  rmSync(directory, { recursive: true, force: true });
}, 60_000);

/** What tells that a restore has come that far. */
const SIGHTS: Readonly<Record<string, string>> = {
  'while the tables are made': `SELECT to_regclass('public.log') IS NOT NULL AS seen`,
  'while rows come in': `SELECT EXISTS (SELECT FROM pg_stat_progress_copy
    WHERE datname = current_database() AND tuples_processed > 100) AS seen`,
  'while digests are checked': `SELECT EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'quipu-restore' AND query LIKE '%log_digests%'
      AND query NOT LIKE 'COPY%') AS seen`,
};

describe('a restore that is killed', () => {
  it.each(Object.entries(SIGHTS))(
    '%s leaves no events behind, and can be done again',
    async (_when, sight) => {
      const database = await restoredUpTo(sight);
      const restored = testCli({ database: database.url, redis: redis.url }, systemClock);
      try {
        expect(await rowsOf(database, 'log')).toBe(0);
        expect(await restored.json('restore', file)).toMatchObject({ events: JOBS * 3 });
        expect((await restored.json('usage', '--by', 'tenant,user', '--end', '2026-01-01')).rows).toEqual(
          usage.rows,
        );
        expect((await restored.run('verify')).exitCode).toBe(0);
      } finally {
        restored.close();
        await database.drop();
      }
    },
    120_000,
  );
});

/**
 * A database into which a restore came as far as `sight` tells, and was killed there. A restore that came to its end
 * before anybody saw it there is begun again, in another database.
 */
async function restoredUpTo(sight: string): Promise<TestDatabase> {
  for (;;) {
    const database = await testDatabase({ migrated: false });
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, QUIPU_DATA_DIR: directory };
    const args = ['./tools/ts.mjs', 'apps/cli/src/main.ts', 'restore', file];
    const child = startNode('--import', args, env, repository);
    await waitFor(
      'the restore to come that far',
      async () =>
        child.exit() !== null || (await database.pool.query<{ seen: boolean }>(sight)).rows[0]?.seen,
      { withinMs: 60_000, everyMs: 1, explain: child.output },
    );
    child.signal('SIGKILL');
    const { signal, code } = await child.exited;
    if (signal === null) expect([code, child.output()]).toEqual([0, expect.anything()]);
    await noSession(database);
    // Events, and the row of the audit that tells of them, come in one transaction.
    if ((await rowsOf(database, 'audit', `WHERE action = 'ledger.restored'`)) === 0) return database;
    await database.drop();
  }
}

/** Postgres notices that a client is gone when it next has something to tell it. */
async function noSession(database: TestDatabase): Promise<void> {
  const sessions = `SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'quipu-restore%'`;
  while (((await database.pool.query(sessions)).rowCount ?? 0) > 0) await pause(10);
}

async function rowsOf(database: TestDatabase, table: string, condition = ''): Promise<number> {
  const there = 'SELECT to_regclass($1) IS NOT NULL AS there';
  const { rows } = await database.pool.query<{ there: boolean }>(there, [`public.${table}`]);
  if (rows[0]?.there !== true) return 0;
  return (await database.pool.query(`SELECT FROM ${table} ${condition}`)).rowCount ?? 0;
}
