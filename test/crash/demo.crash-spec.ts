import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProcesses, isAlive } from '@quipu/platform';
import { repository } from '../support/index.js';
import { killChildren, startNode, type Child } from './support/child-process.js';
import { openCrashLedger, type CrashLedger } from './support/crash-ledger.js';
import { waitFor } from './support/wait-for.js';

const CLI = join(repository, 'dist/apps/cli/src/main.js');
const WORKER = join(repository, 'dist/apps/worker/src/main.js');
const SOON = { withinMs: 60_000 };
const WORKERS = 5;
const STANDINGS = ['queued', 'delayed', 'blocked', 'inProgress'];

let ledger: CrashLedger;
let dataDir: string;

beforeAll(async () => {
  ledger = await openCrashLedger();
  ledger.startProjector();
  dataDir = mkdtempSync(join(tmpdir(), 'quipu-demo-'));
}, 60_000);

afterAll(async () => {
  await killChildren();
  await ledger.drop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

describe('the demo', () => {
  it('runs real workers and ends with their usage and an exact verdict', async () => {
    const demo = quipuWith({ CI: 'true' }, 'demo', '--for', '5s', '--seed', '3');
    const workers = await itsWorkers();
    expect(await demo.exited).toEqual({ code: 0, signal: null });
    const said = demo.output();
    expect(said).not.toContain('\u001b');
    expect(said).toContain('Recomputing every number');
    expect(said).toMatch(/demo {2}\d+ s of 5 s/);
    expect(said).toMatch(/tenant +queue +queued/);
    expect(said).toMatch(/demo-acme +\d+ +\d+/);
    expect(said).toMatch(/verify {2}exact\n/);
    await gone(workers);
  }, 120_000);

  it('leaves nobody waiting, running, registered or holding nodes, and no file', async () => {
    const queues = (await json('queues'))['rows'] as Record<string, number>[];
    const left = queues.filter((row) => STANDINGS.some((name) => row[name] !== 0));
    expect(left).toEqual([]);
    expect(files()).toEqual([]);
    expect(await ledger.redis.keys('*quipu-demo*')).toEqual([]);
    const { rows } = await ledger.pool.query(
      `SELECT subject FROM log WHERE type = 'worker.registered'
       EXCEPT SELECT subject FROM log WHERE type = 'worker.retired'`,
    );
    expect(rows).toEqual([]);
    expect(await nodes()).toEqual({ held: 0, changes: expect.any(Number) });
    expect((await nodes()).changes).toBeGreaterThanOrEqual(2 * WORKERS);
  }, 60_000);

  it('ends every worker when it is interrupted, also one that hangs', async () => {
    const demo = quipu('demo', '--for', '60s', '--seed', '4', '--json');
    const workers = await itsWorkers();
    process.kill(workers[0]!, 'SIGSTOP');
    demo.signal('SIGINT');
    const { code } = await demo.exited;
    expect({ code, said: demo.output().slice(-2_000) }).toMatchObject({ code: 0 });
    const answer = JSON.parse(demo.output().slice(demo.output().indexOf('{'))) as Record<string, unknown>;
    expect(answer).toMatchObject({ verify: { ok: true }, workers: { killed: expect.any(Number) } });
    await gone(workers);
    expect(files()).toEqual([]);
  }, 120_000);

  it('that is killed takes its workers along, and the next one puts away what it left', async () => {
    const killed = quipu('demo', '--for', '60s', '--seed', '5');
    const workers = await itsWorkers();
    killed.signal('SIGKILL');
    await killed.exited;
    await gone(workers);
    expect(files()).toHaveLength(1);
    const next = quipu('demo', '--for', '1s', '--json');
    const { code } = await next.exited;
    expect({ code, said: next.output().slice(-2_000) }).toMatchObject({ code: 0 });
    expect(files()).toEqual([]);
    expect(await nodes()).toMatchObject({ held: 0 });
  }, 120_000);
});

function quipu(...args: string[]): Child {
  return quipuWith({}, ...args);
}

function quipuWith(extra: NodeJS.ProcessEnv, ...args: string[]): Child {
  const env = {
    ...extra,
    DATABASE_URL: ledger.databaseUrl,
    REDIS_URL: ledger.redisUrl,
    QUIPU_DATA_DIR: dataDir,
  };
  return startNode(CLI, args, env, repository);
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const running = quipu(...args, '--json');
  await running.exited;
  return JSON.parse(running.output().slice(running.output().indexOf('{'))) as Record<string, unknown>;
}

/** Nodes that are held, and how often nodes were taken or given back at different instants. */
async function nodes(): Promise<{ held: number; changes: number }> {
  const { rows } = await ledger.pool.query<{ held: number; changes: number }>(
    `SELECT sum(d)::int AS held, count(*)::int AS changes FROM ledger_1.changes WHERE level = 1`,
  );
  return rows[0] ?? { held: 0, changes: 0 };
}

/** What runs of the demo have on disk. */
function files(): string[] {
  return existsSync(join(dataDir, 'demo')) ? readdirSync(join(dataDir, 'demo')) : [];
}

/** The workers of the demo on this Redis, when all of them are up; others may run beside it. */
function itsWorkers(): Promise<number[]> {
  const find = (): number[] =>
    findProcesses((args) => args.includes(WORKER))
      .map(({ pid }) => pid)
      .filter((pid) => environmentOf(pid).includes(`REDIS_URL=${ledger.redisUrl}\0`));
  return waitFor('the workers to run', () => (find().length === WORKERS ? find() : null), SOON);
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  await waitFor('the workers to end', () => !pids.some(isAlive), SOON);
}
