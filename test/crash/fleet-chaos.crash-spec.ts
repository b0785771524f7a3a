import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, createRedis, type RunningServices, startServices, waitForExit } from '@quipu/platform';
import { createReporter, instrument, type Reporter } from '@quipu/reporter';
import { migrate } from '@quipu/schema';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { repository } from '../support/environment.js';
import { removeDirectories, silent, temporaryDirectory } from '../support/launcher.js';
import {
  estimatedEnds,
  heard,
  heardSince,
  lastSign,
  livesOf,
  lost,
  timeOf,
  usageOf,
  wasSilent,
} from './support/chaos-log.js';
import { startHavoc } from './support/chaos-havoc.js';
import { ChaosWorker, type ProcessHistory, readRecord, type SentEvents } from './support/chaos-worker.js';
import { killChildren, startNode, type Child } from './support/child-process.js';
import { crashLedgerOn, type CrashLedger } from './support/crash-ledger.js';
import { seededRandom } from './support/seeded-random.js';
import { waitFor } from './support/wait-for.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');
const SEED = 20_261_121;
/** Two thirds of it are more than a machine that is busy with other things keeps a process waiting. */
const LEASE_SECONDS = 5;
/** How long each outage lasts, ms: longer than the lease. A quarter of a minute on demand. */
const OUTAGE_MS = Number(process.env['QUIPU_CHAOS_SECONDS'] ?? 6) * 1_000;
const SOON = { withinMs: 90_000 };
/** Longest freeze that a worker on time survives undeclared, ms: it may begin a heartbeat after the last one. */
const EXCUSED_MS = (LEASE_SECONDS - LEASE_SECONDS / 3) * 1_000;
/** Clocks of the workers of the shared queue: of those that are killed and frozen, and of those that nobody touches. */
const CLOCKS_MS = { victim: [-1_500, 1_500], steady: [-1_500, 1_500] };
const BYTES_PER_SECOND = 40_000;
/** Queues with one worker and one job each. */
const LONELY = ['lonely', 'sleeper'];

let services: RunningServices;
let ledger: CrashLedger;
let projector: Child;
let directory: string;
let reporter: Reporter;
const connections: Redis[] = [];
const queues = new Map<string, Queue>();
const workers = new Map<string, ChaosWorker>();
let load: { stop: () => Promise<void> } | undefined;
let havoc: { stop: () => Promise<void> } | undefined;

beforeAll(async () => {
  directory = temporaryDirectory();
  services = await startServices({ dataDir: join(directory, 'data') }, silent);
  const { databaseUrl, redisUrl } = services;
  await migrate(databaseUrl, silent);
  const pool = createPool(databaseUrl);
  const redis = createRedis(redisUrl, 'plain');
  ledger = crashLedgerOn({ databaseUrl, redisUrl, pool, redis }, async () => {
    redis.disconnect();
    await pool.end();
  });
  makeInputs();
  startProjector();
  reporter = createReporter({ connection: redisUrl, source: 'chaos-producer' });
  for (const name of ['shared', 'lonely', 'sleeper']) {
    const connection = createRedis(redisUrl, 'producer');
    connections.push(connection);
    const queue = new Queue(name, { connection, prefix: '{chaos}' });
    queue.on('error', () => undefined);
    queues.set(name, instrument(queue, { tenant: 'chaos', reporter }));
  }
  for (const [kind, clocks] of Object.entries(CLOCKS_MS)) {
    clocks.forEach((clockMs, n) => addWorker(`${kind}-${n}`, 'shared', clockMs));
  }
  addWorker('lonely', 'lonely', -1_500);
  // Nobody else shall take its job while it sleeps.
  addWorker('sleeper', 'sleeper', 1_500, { QUIPU_WORKER_LOCK_MS: '3600000' });
}, 120_000);

afterAll(async () => {
  await havoc?.stop();
  await load?.stop();
  await killChildren();
  await reporter?.close({ deadlineMs: 100 });
  for (const queue of queues.values()) await queue.close();
  for (const connection of connections) connection.disconnect();
  await ledger?.drop();
  await services?.stop();
  await removeDirectories();
}, 60_000);

describe('a fleet, and a Quipu, that everything befalls', () => {
  let lonelyLife: string;

  it('declares lost who is dead or frozen, at the last heartbeat, and thinks better of who wakes up', async () => {
    await queues.get('lonely')!.add('checksum', { path: 'endless' });
    await queues.get('sleeper')!.add('checksum', { path: 'nap' });
    for (const worker of workers.values()) worker.start();
    await waitFor('everybody to be heard', async () => (await heard(ledger.pool)).length === workers.size, {
      ...SOON,
      explain: outputs,
    });
    // Killed at once, they would have been heard of last before their jobs began.
    await waitFor('heartbeats after both lonely jobs began', () => heardSince(ledger.pool, LONELY), SOON);
    load = startLoad();
    await workers.get('lonely')!.kill();
    const thaw = workers.get('sleeper')!.freeze();
    const loss = await waitFor(
      'the dead and the frozen to be declared lost',
      async () => {
        const all = await lost(ledger.pool);
        const [dead, frozen] = LONELY.map((name) => all.find(({ subject }) => subject === subjectOf(name)));
        return frozen !== undefined && dead;
      },
      { ...SOON, explain: outputs },
    );
    lonelyLife = loss.life;
    const ends = await waitFor(
      'the ends of their runs',
      async () => {
        const found = await estimatedEnds(ledger.pool, LONELY);
        return found.length === 2 && found;
      },
      { ...SOON, explain: outputs },
    );
    for (const { queue, time, life } of ends) {
      expect({ queue, time }).toEqual({ queue, time: await lastSign(ledger.pool, queue, life) });
    }
    thaw();
    await waitFor(
      'the sleeper to be taken for alive',
      async () => (await usageOf(ledger.pool, 'sleeper')).estimated === 0,
      {
        ...SOON,
        explain: outputs,
      },
    );
  }, 180_000);

  it(
    'goes on through outages of Redis and of the projector, and deaths of workers',
    async () => {
      const victims = [...workers.values()].filter(({ options }) => options.name.startsWith('victim'));
      havoc = startHavoc(victims, { seed: SEED + 1, leaseMs: LEASE_SECONDS * 1_000 });
      await flowing();

      process.kill(redisPid(), 'SIGSTOP');
      await sleep(OUTAGE_MS);
      process.kill(redisPid(), 'SIGCONT');
      await flowing();

      const pid = redisPid();
      process.kill(pid, 'SIGKILL');
      expect(await waitForExit(pid, 10_000)).toBe(true);
      await sleep(OUTAGE_MS);
      expect(await services.ensure()).toEqual(['Redis']);
      await flowing();

      projector.signal('SIGKILL');
      await projector.exited;
      await sleep(OUTAGE_MS);
      startProjector();
      await flowing();

      await havoc.stop();
      await load?.stop();
      for (const name of ['shared', 'sleeper']) {
        await waitFor(`${name} to be worked off`, () => workedOff(name), { ...SOON, explain: outputs });
      }
      // Only now it is certain that the sweeper has judged again, also those who live.
      await waitFor('all the dead to be declared lost', deadAreLost, {
        ...SOON,
        everyMs: 200,
        explain: outputs,
      });
    },
    240_000 + 6 * OUTAGE_MS,
  );

  it('has every event that reached the queue once, and no other', async () => {
    for (const worker of workers.values()) await worker.stop();
    expect(await reporter.flush({ deadlineMs: 60_000 })).toBe(0);
    const events: SentEvents = { sent: new Set(), acknowledged: new Set() };
    for (const { record } of processes()) readRecord(record, events);
    expect(events.acknowledged.size).toBeGreaterThan(200);
    await waitFor('all of them in the log', () => ledger.isSettled(events.acknowledged.size), {
      ...SOON,
      explain: outputs,
    });
    const { rows } = await ledger.pool.query<{ id: string; times: number }>(
      `SELECT event_id AS id, count(*)::int AS times FROM log WHERE source LIKE 'quipu-worker/%' GROUP BY event_id`,
    );
    const logged = new Set(rows.map(({ id }) => id));
    expect(rows.filter(({ times }) => times !== 1)).toEqual([]);
    expect([...events.acknowledged].filter((id) => !logged.has(id))).toEqual([]);
    expect([...logged].filter((id) => !events.sent.has(id))).toEqual([]);
    const refused = await ledger.pool.query('SELECT reason, detail FROM dead_letters');
    expect(refused.rows).toEqual([]);
  }, 120_000);

  it('declared nobody lost who was alive, and every loss stands at a last sign of life', async () => {
    const byLife = await livesOf(ledger.pool, processes());
    const losses = await lost(ledger.pool);
    expect(losses.length).toBeGreaterThanOrEqual(2);
    const alive = losses.filter((loss) => !wasSilent(byLife.get(loss.life), loss, EXCUSED_MS));
    expect(alive).toEqual([]);
    // Through all of it there were some who had no excuse.
    const untouched = processes().filter(
      ({ killedMs, frozen }) => killedMs === undefined && frozen.length === 0,
    );
    expect(untouched.map(({ worker }) => worker)).toEqual(expect.arrayContaining(['steady-0', 'steady-1']));
    expect([...byLife.values()].filter(({ worker }) => worker.startsWith('steady'))).toHaveLength(2);
    if (process.env['QUIPU_CHAOS_SECONDS'] !== undefined) tellFigures(losses.length);
    for (const { life, time, position } of losses) {
      const { rows } = await ledger.pool.query<{ ms: string }>(
        `SELECT max(time_ms) AS ms FROM log WHERE tenant = 'chaos' AND data->>'life' = $1 AND position < $2
           AND type IN ('worker.connected', 'worker.heartbeat')`,
        [life, position],
      );
      expect({ life, time }).toEqual({ life, time: Number(rows[0]?.ms) });
    }
  }, 60_000);

  it('ends the run of the dead with its last sign of life, as an estimate, and that of the sleeper when it ended', async () => {
    const lonely =
      (await lastSign(ledger.pool, 'lonely', lonelyLife)) -
      (await timeOf(ledger.pool, 'lonely', 'job.started'));
    expect(lonely).toBeGreaterThan(0);
    expect(await usageOf(ledger.pool, 'lonely')).toEqual({ total: lonely, estimated: lonely });
    const [from, to] = [
      await timeOf(ledger.pool, 'sleeper', 'job.started'),
      await timeOf(ledger.pool, 'sleeper', 'job.completed'),
    ];
    expect(await usageOf(ledger.pool, 'sleeper')).toEqual({ total: to - from, estimated: 0 });
  }, 60_000);

  it('adds up: verify finds no difference, and busy, idle and offline are what was registered', async () => {
    const verify = quipu('verify', '--json');
    const { code } = await verify.exited;
    const report = jsonOf(verify);
    expect({ code, report }).toMatchObject({
      code: 0,
      report: { ok: true, differences: 0, redis: { compared: true } },
    });
    expect((report['conservation'] as { compared: number }).compared).toBeGreaterThan(0);
  }, 60_000);
});

function makeInputs(): void {
  const write = (name: string, seconds: number): void =>
    writeFileSync(join(directory, 'input', name), Buffer.alloc(seconds * BYTES_PER_SECOND, 'quipu '));
  mkdirSync(join(directory, 'input'));
  for (let n = 0; n < 5; n += 1) write(`file-${n}`, 0.1 + 0.2 * n);
  write('endless', 600);
  write('nap', 12);
}

function addWorker(name: string, queue: string, clockMs: number, more: NodeJS.ProcessEnv = {}): void {
  const env = {
    ...{ REDIS_URL: services.redisUrl, QUIPU_LOG_LEVEL: 'error', QUIPU_SHUTDOWN_SECONDS: '20' },
    ...{ QUIPU_WORKER_TENANT: 'chaos', QUIPU_WORKER_LEASE_SECONDS: String(LEASE_SECONDS) },
    ...{ QUIPU_WORKER_JOBS_PREFIX: '{chaos}', QUIPU_WORKER_LOCK_MS: '1500', QUIPU_WORKER_CONCURRENCY: '3' },
    ...{ QUIPU_WORKER_POOL: queue, QUIPU_WORKER_BYTES_PER_SECOND: String(BYTES_PER_SECOND) },
    QUIPU_WORKER_INPUT_DIR: join(directory, 'input'),
    QUIPU_WORKER_FILE_STORE_DIR: join(directory, 'store'),
    ...more,
  };
  workers.set(name, new ChaosWorker({ name, queue, clockMs, directory, env }));
}

function startProjector(): void {
  projector = ledger.startProjector({
    QUIPU_WORKER_LEASE_SECONDS: String(LEASE_SECONDS),
    QUIPU_JOB_LOCK_MS: '2000',
  });
}

/** Adds jobs to the shared queue, some ten a second. While Redis is away, they are not added. */
function startLoad(): { stop: () => Promise<void> } {
  const queue = queues.get('shared')!;
  const random = seededRandom(SEED);
  const adding = new Set<Promise<unknown>>();
  let n = 0;
  const timer = setInterval(() => {
    if (adding.size > 20) return;
    n += 1;
    const data = { path: `file-${Math.floor(random() * 5)}`, user: `u-${n % 3}`, nodes: 1 + (n % 4) };
    const delay = random() < 0.2 ? { delay: Math.floor(random() * 2_000) } : {};
    const opts = { attempts: 6, backoff: 200, removeOnComplete: true, removeOnFail: true, ...delay };
    const job = queue.add(random() < 0.5 ? 'checksum' : 'compress', data, opts).catch(() => undefined);
    adding.add(job);
    void job.finally(() => adding.delete(job));
  }, 100);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.allSettled(adding);
    },
  };
}

function redisPid(): number {
  if (services.redisPid === undefined) throw new Error('Redis is not an embedded one.');
  return services.redisPid;
}

const subjectOf = (name: string): string => `worker/${name}/${workers.get(name)!.options.queue}`;
const processes = (): ProcessHistory[] => [...workers.values()].flatMap((worker) => worker.processes);
const outputs = (): string =>
  [projector, ...processes().map(({ child }) => child)]
    .map((child) => child.output().slice(-1_500))
    .join('\n');

/** Whether each life whose process was killed is declared lost. */
async function deadAreLost(): Promise<boolean> {
  const declared = new Set((await lost(ledger.pool)).map(({ life }) => life));
  const lives = [...(await livesOf(ledger.pool, processes()))];
  return lives.every(([life, { killedMs }]) => killedMs === undefined || declared.has(life));
}

async function workedOff(name: string): Promise<boolean> {
  const counts = await queues.get(name)!.getJobCounts('waiting', 'active', 'delayed', 'prioritized');
  return Object.values(counts).every((n) => n === 0);
}

/** Waits until events of now are in the log, and folded. */
async function flowing(): Promise<void> {
  const since = Date.now();
  await waitFor(
    'events to arrive again',
    async () => {
      const { rows } = await ledger.pool.query<{ ok: boolean }>(
        `SELECT EXISTS (SELECT FROM log l JOIN projections p ON p.status = 'live' AND p.position >= l.position
         WHERE l.recorded_ms > $1 AND l.time_ms > $1 AND l.type = 'job.completed') AS ok`,
        [since],
      );
      return rows[0]?.ok;
    },
    { ...SOON, explain: outputs },
  );
}

/** What a long run went through. */
function tellFigures(losses: number): void {
  const all = processes();
  const killed = all.filter(({ killedMs }) => killedMs !== undefined).length;
  const frozen = all.reduce((sum, one) => sum + one.frozen.length, 0);
  process.stderr.write(`${all.length} processes, ${killed} killed, ${frozen} freezes, ${losses} losses\n`);
}

function quipu(...args: string[]): Child {
  const { databaseUrl, redisUrl } = services;
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUIPU_DATA_DIR: join(directory, 'cli') };
  return startNode(CLI, args, env, repository);
}

function jsonOf(child: Child): Record<string, unknown> {
  return JSON.parse(child.output().slice(child.output().indexOf('{'))) as Record<string, unknown>;
}
