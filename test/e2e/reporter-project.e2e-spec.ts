import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { createPool, createRedis } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { Queue } from 'bullmq';
import type { Pool } from 'pg';
import { testRedis } from '../support/index.js';
import { makeProject, packReporter, type Project } from './support/reporter-package.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** How long the project works, s; a minute on demand. */
const SECONDS = Number(process.env['QUIPU_REPORTER_SECONDS'] ?? 2);

jest.setTimeout(120_000 + SECONDS * 3_000);

/** A run, as the project's processor wrote it down. */
interface Run {
  readonly key: string;
  readonly tenant: string;
  readonly nodes: number;
  readonly wait: number;
  readonly start: number;
  readonly end: number;
  readonly outcome: 'completed' | 'failed' | 'retried';
}

describe('the packed reporter in a project of its own', () => {
  let directory: string;
  let archive: string;
  const projects: Project[] = [];
  const project = async (bullmq: string): Promise<Project> => {
    const made = await makeProject(archive, bullmq);
    projects.push(made);
    return made;
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-reporter-'));
    archive = await packReporter(directory);
  });
  afterAll(async () => {
    for (const one of projects) await one.remove();
    await rm(directory, { recursive: true, force: true });
  });

  describe.each(['bullmq', 'bullmq5'])('with %s', (bullmq) => {
    let system: TestSystem;
    let pool: Pool;

    beforeAll(async () => {
      system = await startTestSystem();
      pool = createPool(system.databaseUrl);
    });
    afterAll(async () => {
      await pool.end();
      await system.stop();
    });

    it('tells the ledger exactly what the processors saw: jobs, runs, outcomes, waits, node-seconds', async () => {
      const one = await project(bullmq);
      const file = join(one.directory, 'record.json');
      await one.node('--import', './turn-clock.mjs', 'project.mjs', system.redisUrl, String(SECONDS), file);
      const record = JSON.parse(await readFile(file, 'utf8')) as Run[];
      await settled(system, pool);
      expect(record.filter(({ outcome }) => outcome === 'retried').length).toBeGreaterThan(SECONDS);
      expect(record.filter(({ outcome }) => outcome === 'failed').length).toBeGreaterThan(SECONDS);
      expect(await inLedger(pool)).toEqual(asRecorded(record));
      const { rows } = await pool.query(`SELECT count(*)::int AS refused FROM dead_letters`);
      expect(rows).toEqual([{ refused: 0 }]);
    });
  });

  it.each(['bullmq', 'bullmq5'])('is required by a project of CommonJS, with %s', async (bullmq) => {
    const one = await project(bullmq);
    const store = await testRedis();
    const connection = createRedis(store.url, 'consumer');
    const events = new Queue(LIFECYCLE_QUEUE, { connection, prefix: QUEUE_PREFIX });
    try {
      await one.node('required.cjs', store.url);
      const jobs = await events.getJobs(['waiting'], 0, -1, true);
      const told = jobs.flatMap((job) => job.data as { type: string }[]).map(({ type }) => type);
      expect(told).toEqual(expect.arrayContaining(['job.queued', 'job.started', 'job.completed']));
      expect(told.at(-1)).toBe('worker.retired');
    } finally {
      await events.close();
      connection.disconnect();
      await store.release();
    }
  });

  it('has types that a strict project compiles against, with either version', async () => {
    const folders = await Promise.all(['bullmq', 'bullmq5'].map(project));
    const flags =
      '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2023 --types node';
    const files = folders.map(({ directory: at }) => join(at, 'typed.mts'));
    const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc');
    const args = [tsc, ...flags.split(' '), '--skipLibCheck', ...files];
    const checked = promisify(execFile)(process.execPath, args, { cwd: folders[0]!.directory });
    const said = await checked.catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe('');
  });

  it('needs its two peers and nothing else', async () => {
    const at = join(projects[0]!.directory, 'node_modules/@quipu/reporter');
    const files = (await readdir(at, { recursive: true })).filter((file) => /\.(js|d\.ts)$/.test(file));
    const imported = new Set<string>();
    for (const file of files) {
      const text = await readFile(join(at, file), 'utf8');
      for (const [, from] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
        if (!from!.startsWith('.')) imported.add(from!);
      }
    }
    expect([...imported].sort()).toEqual(['bullmq', 'ioredis', 'node:crypto', 'node:os']);
    expect(files.some((file) => file.includes('spec'))).toBe(false);
  });
});

/** Waits until the queue is empty and the projection has passed the end of the log. */
async function settled(system: TestSystem, pool: Pool): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline;) {
    const counts = await system.queue.getJobCounts('waiting', 'active');
    const { position } = await system.log.head();
    const checkpoint = await readCheckpoint(pool, LEDGER_PROJECTION);
    if (counts['waiting'] === 0 && counts['active'] === 0 && (checkpoint?.position ?? -1n) >= position)
      return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the projection never caught up');
}

/** Sums per tenant and queue. */
type Sums = Record<string, Record<string, number>>;

function add(sums: Sums, group: string, name: string, amount: number): void {
  // The ledger keeps no rows of zeros.
  if (amount === 0) return;
  const of = (sums[group] ??= {});
  of[name] = (of[name] ?? 0) + amount;
}

function asRecorded(record: readonly Run[]): Sums {
  const sums: Sums = {};
  const jobs = new Set<string>();
  for (const { key, tenant, nodes, wait, start, end, outcome } of record) {
    const group = `${tenant} ${key.slice(0, key.indexOf('/'))}`;
    if (!jobs.has(key)) add(sums, group, 'jobs', 1);
    jobs.add(key);
    add(sums, group, 'started', 1);
    add(sums, group, outcome === 'completed' ? 'completed' : 'failed', 1);
    if (outcome === 'failed') add(sums, group, 'failed for good', 1);
    add(sums, group, 'waiting ms', wait);
    add(sums, group, 'running ms', end - start);
    add(sums, group, 'node ms', (end - start) * nodes);
  }
  return sums;
}

async function inLedger(pool: Pool): Promise<Sums> {
  const sums: Sums = {};
  const logged = await pool.query(
    `SELECT tenant, split_part(subject, '/', 2) AS queue, type, data->>'final' AS final,
            count(*)::int AS events, count(DISTINCT subject)::int AS jobs
     FROM log WHERE type IN ('job.started', 'job.completed', 'job.failed') GROUP BY 1, 2, 3, 4`,
  );
  for (const { tenant, queue, type, final, events, jobs } of logged.rows) {
    const group = `${tenant} ${queue}`;
    if (type === 'job.started') add(sums, group, 'jobs', jobs);
    add(sums, group, type.slice('job.'.length), events);
    if (final === 'true') add(sums, group, 'failed for good', events);
  }
  // Every interval is closed: what its changes, each times its moment, add up to is its length.
  const levels = await pool.query(
    `SELECT k.tenant, k.queue, c.level, (-sum(c.d::numeric * c.t))::text AS ms
     FROM ledger_1.changes c JOIN ledger_1.usage_keys k USING (key_id) WHERE k.grain = 0 GROUP BY 1, 2, 3`,
  );
  const names: Record<number, string> = { 1: 'node ms', 2: 'waiting ms', 3: 'running ms' };
  for (const { tenant, queue, level, ms } of levels.rows) {
    const name = names[level as number];
    if (name !== undefined) add(sums, `${tenant} ${queue}`, name, Number(ms));
  }
  return sums;
}
