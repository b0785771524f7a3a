import { join } from 'node:path';
import { killChildren, type Child } from './support/child-process.js';
import { writeCluster, type WorkloadTruth } from './support/cluster.js';
import { seededRandom, shuffled } from './support/seeded-random.js';
import { startSystem, type CrashSystem, type Victim } from './support/system.js';
import { waitFor } from './support/wait-for.js';

const SEED = 20_261_120;
const COPIES = 40;
const VICTIMS: readonly Victim[] = [
  'projector',
  'postgres',
  'redis',
  'api',
  'projector',
  'postgres',
  'redis',
];
const WAITING = '{quipu}:lifecycle-events:wait';
const SOON = { withinMs: 60_000, everyMs: 20 };

let system: CrashSystem;

beforeAll(async () => {
  // Few jobs in hand: what waits in the queue is what can be lost.
  system = await startSystem({ QUIPU_INGEST_CONCURRENCY: '8' });
}, 120_000);

afterAll(async () => {
  await killChildren();
  await system?.remove();
}, 60_000);

describe('an import through the queue', () => {
  let killed: WorkloadTruth;

  it('is exact, whatever is killed meanwhile', async () => {
    const file = join(system.directory, 'killed.swf');
    killed = writeCluster(file, COPIES, 'killed');
    const random = seededRandom(SEED);
    const moments = VICTIMS.map(() => 0.02 + 0.9 * random()).sort((a, b) => a - b);
    const order = shuffled(VICTIMS, random);

    const running = system.quipu('import', file, '--via', 'queue', '--json');
    for (const [n, victim] of order.entries()) {
      await logged(Math.floor(killed.events * (moments[n] ?? 0)), running);
      const pid = await waitFor(`${victim} to run`, () => system.pidOf(victim), SOON);
      process.kill(pid, 'SIGKILL');
    }
    expect(running.exit()).toBeNull();
    expect(await outcome(running)).toMatchObject({ events: killed.events, conflicts: 0, refused: {} });
    await expectExactly(killed.nodeSeconds);
    for (const [tenant, seconds] of killed.byTenant) await expectExactly(seconds, `?tenant=${tenant}`);
  }, 120_000);

  it('is exact, though Redis loses everything in the middle of it', async () => {
    const file = join(system.directory, 'flushed.swf');
    const flushed = writeCluster(file, COPIES, 'flushed');

    const running = system.quipu('import', file, '--via', 'queue', '--json');
    await logged(killed.events + 1, running);
    const projector = await waitFor('the projector to run', () => system.pidOf('projector'), SOON);
    process.kill(projector, 'SIGSTOP');
    const waiting = async (): Promise<boolean> => (await system.redis.llen(WAITING)) > 0;
    await waitFor('events to wait in the queue', waiting, { ...SOON, explain: running.output });
    await system.redis.flushall();
    process.kill(projector, 'SIGCONT');
    const report = await outcome(running);
    expect(report).toMatchObject({ events: flushed.events, new: flushed.events, conflicts: 0, refused: {} });
    expect(report['resent']).toBeGreaterThan(0);
    await expectExactly(killed.nodeSeconds + flushed.nodeSeconds);
  }, 120_000);

  it('adds nothing when it is repeated', async () => {
    const again = system.quipu('import', join(system.directory, 'killed.swf'), '--json');
    expect(await outcome(again)).toMatchObject({ events: killed.events, new: 0 });
  }, 60_000);
});

/** Waits until the log holds so many events, while the import is still under way. */
async function logged(events: number, running: Child): Promise<void> {
  const reached = async (): Promise<boolean> => {
    const { rows } = await system.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM log');
    return (rows[0]?.n ?? 0) >= events;
  };
  const explain = (): string => `${running.output()}\n${system.logs()}`;
  await waitFor(`${events} events in the log`, async () => running.exit() ?? (await reached()), {
    ...SOON,
    explain,
  });
}

/** The report of an import that must have succeeded. */
async function outcome(running: Child): Promise<Record<string, unknown>> {
  const { code } = await running.exited;
  if (code !== 0) throw new Error(`The import ended with ${code}:\n${running.output()}\n${system.logs()}`);
  return JSON.parse(running.output().slice(running.output().indexOf('{'))) as Record<string, unknown>;
}

/** Expects the platform's (or a tenant's) node-seconds, and that `verify` finds no difference, Redis included. */
async function expectExactly(nodeSeconds: bigint, query = ''): Promise<void> {
  const answer = await waitFor(
    'the API to answer',
    async () => {
      const response = await system.get(`/v2/metrics/nodes/usage${query}`);
      return response.ok && (await response.json());
    },
    { ...SOON, explain: system.logs },
  );
  expect(JSON.stringify(answer)).toContain(`"value":${nodeSeconds}`);
  if (query !== '') return;
  const report = await waitFor('Redis to stand where Postgres stands', verify, {
    ...SOON,
    explain: system.logs,
  });
  expect(report).toMatchObject({ ok: true, differences: 0, redis: { compared: true } });
}

/** What `quipu verify` reports, once it could compare Redis at the same position. */
async function verify(): Promise<{ redis: { compared: boolean } } | null> {
  const running = system.quipu('verify', '--json');
  const { code } = await running.exited;
  const text = running.output();
  const report = JSON.parse(text.slice(text.indexOf('{'))) as { redis: { compared: boolean } };
  if (!report.redis.compared) return null;
  expect({ code, report }).toMatchObject({ code: 0 });
  return report;
}
