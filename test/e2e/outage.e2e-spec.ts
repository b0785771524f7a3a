import { spawnSync } from 'node:child_process';
import { bootstrapSuperadmin } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { createPool, createRedis, type RunningServices, startServices, waitForExit } from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool, PoolClient } from 'pg';
import { type Child, killChildren, startNode } from '../crash/support/child-process.js';
import { waitFor } from '../crash/support/wait-for.js';
import { repository } from '../support/environment.js';
import { removeDirectories, silent, temporaryDirectory } from '../support/launcher.js';

const KEY = 'a-key-that-no-log-may-hold-0123456789abcdef';
const BEARER = { authorization: `Bearer ${KEY}` };
const COOPR = { 'Coopr-UserID': 'admin', 'Coopr-TenantID': 'superadmin', 'Coopr-ApiKey': KEY };
const OWN_ROUTES = [
  '/api/usage',
  '/api/queues',
  '/api/workers',
  '/api/pools',
  '/api/why?measure=node_seconds',
  '/api/tenants',
  '/api/audit',
];
const SCRAPES = ['/api/1.0/open-metrics/', '/api/1.0/service-status/'];
const COOPR_ROUTES = ['/v2/metrics/queues', '/v2/metrics/nodes/usage'];
const SOON = { withinMs: 60_000, everyMs: 50 };
/** Some five seconds, on a machine that is busy with other things; who waited for an answer would take 31. */
const SOON_S = 20;
/** Longer than anything is retried without being noticed. */
const OUTAGE_MS = 6_000;

let services: RunningServices;
let pool: Pool;
let redis: Redis;
let queue: Queue;
const children: Child[] = [];

beforeAll(async () => {
  services = await startServices({ dataDir: temporaryDirectory() }, silent);
  await migrate(services.databaseUrl, silent);
  pool = createPool(services.databaseUrl);
  await bootstrapSuperadmin(pool, KEY);
  redis = createRedis(services.redisUrl, 'plain');
  queue = new Queue(LIFECYCLE_QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  queue.on('error', () => undefined);
}, 60_000);

afterAll(async () => {
  await killChildren();
  await queue.close();
  redis.disconnect();
  await pool.end();
  await services.stop();
  await removeDirectories();
}, 60_000);

/** Starts a program from its source. */
function start(program: 'api' | 'projector', env: NodeJS.ProcessEnv = {}): Child {
  const { databaseUrl, redisUrl } = services;
  const given = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PORT: '0', QUIPU_SUPERADMIN_KEY: KEY };
  const args = ['./tools/ts.mjs', `apps/${program}/src/main.ts`];
  const child = startNode('--import', args, { ...given, ...env }, repository);
  children.push(child);
  return child;
}

/** What a program has logged: every line is one JSON object. */
function logOf(child: Child): { level: string; msg: string; address?: string }[] {
  const lines = child.output().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as { level: string; msg: string });
}

function said(child: Child, message: string | RegExp): Promise<{ address?: string }> {
  return waitFor(
    `"${String(message)}" in a log`,
    () => Promise.resolve(logOf(child).find(({ msg }) => msg.match(message) !== null) ?? false),
    { ...SOON, explain: child.output },
  );
}

async function startApi(env: NodeJS.ProcessEnv = {}): Promise<{ child: Child; address: string }> {
  const child = start('api', env);
  const { address } = await said(child, 'api listening');
  return { child, address: address ?? '' };
}

let serial = 0;
function someEvents(count: number): object[] {
  const time = new Date().toISOString();
  return Array.from({ length: count }, () => {
    const id = String((serial += 1));
    const subject = `job/q/${id}@1`;
    return {
      ...{ specversion: '1.0', id, source: 'outage', type: 'job.queued', tenant: 'acme', subject, time },
      data: { queue: 'q', user: 'ann' },
    };
  });
}

/** Puts a job of events into the queue, as a reporter does. */
async function enqueue(count: number): Promise<void> {
  await queue.add('events', someEvents(count));
}

/** Everything reported is in the log and in the numbers, once. */
async function settled(child: Child): Promise<void> {
  await waitFor(
    'every event in the log and in the numbers',
    async () => {
      const { rows } = await pool.query<{ logged: number; amount: number }>(
        `SELECT (SELECT count(*)::int FROM log) AS logged,
                (SELECT coalesce(sum(value), 0)::int FROM ledger_1.amounts WHERE family = 'jobs') AS amount`,
      );
      return rows[0]?.logged === serial && rows[0].amount === serial;
    },
    { ...SOON, explain: child.output },
  );
}

function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return stdout.trim().split(/\s+/).map(Number);
}

/** Holds a lock on a table; the answer lets it go. */
async function hold(table: string): Promise<() => Promise<void>> {
  const client: PoolClient = await pool.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return async () => {
    await client.query('ROLLBACK');
    client.release();
  };
}

/** Waits until a session of a program waits for a lock on that table. */
const held = (table: string): Promise<unknown> =>
  waitFor(
    'somebody who waits for the lock',
    async () => {
      const query = `SELECT FROM pg_locks WHERE relation = $1::regclass AND NOT granted`;
      return ((await pool.query(query, [table])).rowCount ?? 0) > 0;
    },
    SOON,
  );

describe('Postgres away for a while', () => {
  it('makes ingestion wait and the API answer 503 in each dialect; then all goes on', async () => {
    const { child: api, address } = await startApi();
    const projector = start('projector');
    const ask = (path: string, headers: Record<string, string>): Promise<Response> =>
      fetch(`${address}${path}`, { headers, signal: AbortSignal.timeout(30_000) });
    const reported = JSON.stringify(someEvents(1)[0]);
    const report = (): Promise<Response> =>
      fetch(`${address}/api/events`, {
        ...{ method: 'POST', body: reported, signal: AbortSignal.timeout(30_000) },
        headers: { ...BEARER, 'content-type': 'application/cloudevents+json' },
      });
    await enqueue(20);
    // The door knows no tenant before its first event came by the queue.
    await waitFor('the first report to be taken', async () => (await report()).status === 202, SOON);
    await settled(projector);
    expect((await ask('/api/usage', BEARER)).status).toBe(200);
    expect((await ask('/v2/metrics/nodes/usage', COOPR)).status).toBe(200);

    const pid = services.postgresPid!;
    process.kill(pid, 'SIGINT');
    await waitForExit(pid, 60_000);
    const since = performance.now();
    for (let i = 0; i < 10; i += 1) await enqueue(20);
    const own = await ask('/api/usage', BEARER);
    expect(own.status).toBe(503);
    expect(own.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(own.headers.get('retry-after')).toBe('5');
    expect(await own.json()).toMatchObject({ status: 503, title: 'Service unavailable' });
    const refused = await report();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const coopr = await ask('/v2/metrics/nodes/usage', COOPR);
    expect(coopr.status).toBe(503);
    expect(coopr.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await coopr.text()).toBe('Unable to read data from the database');
    expect((await ask('/health/ready', {})).status).toBe(503);
    expect((await ask('/health/live', {})).status).toBe(200);
    await said(projector, 'the log takes no events');
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS - (performance.now() - since)));
    expect(await queue.getFailedCount()).toBe(0);
    expect([api.exit(), projector.exit()]).toEqual([null, null]);

    expect(await services.ensure()).toEqual(['Postgres']);
    expect((await report()).status).toBe(202);
    await settled(projector);
    expect((await ask('/api/usage', BEARER)).status).toBe(200);
    expect((await ask('/v2/metrics/nodes/usage', COOPR)).status).toBe(200);
    await Promise.all([api.stop(), projector.stop()]);
    expect([api.exit(), projector.exit()]).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  }, 180_000);
});

describe('Postgres that hangs', () => {
  it('is told from one that is slow: 503 in each dialect within some five seconds, then all goes on', async () => {
    const { child: api, address } = await startApi();
    const ask = async (path: string, headers: Record<string, string>) => {
      const since = performance.now();
      const answer = await fetch(`${address}${path}`, { headers, signal: AbortSignal.timeout(30_000) });
      return { answer, seconds: (performance.now() - since) / 1000 };
    };
    expect((await ask('/api/usage', BEARER)).answer.status).toBe(200);
    const postgres = [services.postgresPid!, ...childrenOf(services.postgresPid!)];
    for (const pid of postgres) process.kill(pid, 'SIGSTOP');
    try {
      const own = [...OWN_ROUTES, ...OWN_ROUTES].map((path) => ask(path, BEARER));
      const scrapes = SCRAPES.map((path) => ask(path, BEARER));
      const coopr = COOPR_ROUTES.map((path) => ask(path, COOPR));
      for (const { answer, seconds } of await Promise.all(own)) {
        expect({ url: answer.url, status: answer.status }).toEqual({ url: answer.url, status: 503 });
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(seconds).toBeLessThan(SOON_S);
      }
      for (const { answer, seconds } of await Promise.all(coopr)) {
        expect(answer.status).toBe(503);
        expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
        expect(seconds).toBeLessThan(SOON_S);
      }
      for (const { answer, seconds } of await Promise.all(scrapes)) {
        expect({ url: answer.url, status: answer.status }).toEqual({ url: answer.url, status: 503 });
        expect(seconds).toBeLessThan(SOON_S);
      }
      expect((await ask('/health/ready', {})).answer.status).toBe(503);
    } finally {
      for (const pid of postgres) process.kill(pid, 'SIGCONT');
    }
    const answered = await Promise.all([...OWN_ROUTES.map((path) => ask(path, BEARER))]);
    expect(answered.map(({ answer }) => answer.status)).toEqual(OWN_ROUTES.map(() => 200));
    await api.stop();
    expect(api.exit()).toEqual({ code: 0, signal: null });
  }, 90_000);
});

describe('Redis that hangs', () => {
  it('is waited for once by whoever scrapes: then numbers come from Postgres, at once', async () => {
    const projector = start('projector');
    await enqueue(20);
    await settled(projector);
    await projector.stop();
    const { child: api, address } = await startApi({ QUIPU_METRICS_CACHE_SECONDS: '0' });
    const scrape = async () => {
      const since = performance.now();
      const headers = { ...BEARER, accept: 'text/plain' };
      const answer = await fetch(`${address}/metrics`, { headers, signal: AbortSignal.timeout(30_000) });
      const jobs = (await answer.text()).match(/^quipu_(jobs\{.*|totals_drift .*)$/gm);
      return { status: answer.status, jobs, seconds: (performance.now() - since) / 1000 };
    };
    const before = await scrape();
    expect(before.jobs).toHaveLength(2);
    process.kill(services.redisPid!, 'SIGSTOP');
    try {
      for (const { seconds, ...found } of await Promise.all([scrape(), scrape(), scrape()])) {
        expect(found).toEqual({ status: 200, jobs: before.jobs });
        expect(seconds).toBeLessThan(SOON_S);
      }
      const later: number[] = [];
      for (let i = 0; i < 5; i += 1) {
        const { seconds, ...found } = await scrape();
        expect(found).toEqual({ status: 200, jobs: before.jobs });
        later.push(seconds);
      }
      // Who waited for Redis each time would never be quicker than a second.
      expect(Math.min(...later)).toBeLessThan(1);
    } finally {
      process.kill(services.redisPid!, 'SIGCONT');
    }
    expect((await scrape()).jobs).toEqual(before.jobs);
    await api.stop();
    expect(api.exit()).toEqual({ code: 0, signal: null });
  }, 90_000);
});

describe('SIGTERM', () => {
  it('lets the API finish the request in flight, takes no more, and ends with 0', async () => {
    const { child, address } = await startApi();
    const release = await hold('ledger_1.usage_keys');
    const answer = fetch(`${address}/api/usage`, { headers: BEARER });
    await held('ledger_1.usage_keys');
    child.signal('SIGTERM');
    await said(child, 'ending');
    await waitFor(
      'nobody to listen any more',
      () =>
        fetch(`${address}/health/live`).then(
          () => false,
          () => true,
        ),
      SOON,
    );
    expect(child.exit()).toBeNull();
    await release();
    expect((await answer).status).toBe(200);
    expect(await child.exited).toEqual({ code: 0, signal: null });
  }, 90_000);

  it('ends the API with 1 when a request does not end in time', async () => {
    const { child, address } = await startApi({ QUIPU_SHUTDOWN_SECONDS: '2' });
    const release = await hold('ledger_1.usage_keys');
    const answer = fetch(`${address}/api/usage`, { headers: BEARER }).catch(() => null);
    await held('ledger_1.usage_keys');
    child.signal('SIGTERM');
    expect(await child.exited).toEqual({ code: 1, signal: null });
    await said(child, 'work did not end in time');
    expect(await answer).toBeNull();
    await release();
  }, 90_000);

  it('lets the projector commit the batch in flight, give back the rest, and ends with 0', async () => {
    const child = start('projector');
    await said(child, 'projector started');
    const before = serial;
    const release = await hold('log');
    await enqueue(30);
    await held('log');
    child.signal('SIGTERM');
    await said(child, 'ending');
    await enqueue(30);
    expect(child.exit()).toBeNull();
    await release();
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const { rows } = await pool.query<{ logged: number }>('SELECT count(*)::int AS logged FROM log');
    expect(rows[0]?.logged).toBeGreaterThanOrEqual(before + 30);
    expect(await queue.getActiveCount()).toBe(0);
    const next = start('projector');
    // The first may have left it nothing to do: it would be stopped before it listens for that.
    await said(next, 'projector started');
    await settled(next);
    await next.stop();
    expect(next.exit()).toEqual({ code: 0, signal: null });
  }, 120_000);
});

it('no log of all this holds a key, a password, a stack trace or a line that is not JSON', () => {
  const passwords = [services.databaseUrl, services.redisUrl].map((url) => new URL(url).password);
  expect(children.length).toBeGreaterThan(4);
  for (const child of children) {
    const output = child.output();
    expect(logOf(child).length).toBeGreaterThan(0);
    for (const secret of [KEY, ...passwords]) expect(output).not.toContain(secret);
    expect(output).not.toMatch(/"stack"|\\n +at /);
  }
});
