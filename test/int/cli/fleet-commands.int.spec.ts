import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@quipu/platform';
import { FLEET_WORLD } from '../../e2e/support/fleet-world.js';
import { NOW } from '../../e2e/support/small-events.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../../support/index.js';
import { testCli, type TestCli } from './test-cli.js';
import { startTestProjector, type TestProjector } from './test-projector.js';

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector;
let cli: TestCli;

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  const clock = new ManualClock(NOW);
  projector = await startTestProjector(database.url, redis.url, clock);
  cli = testCli({ database: database.url, redis: redis.url }, clock);
  const directory = mkdtempSync(join(tmpdir(), 'quipu-fleet-'));
  const file = join(directory, 'fleet.ndjson');
  const lines = FLEET_WORLD.map((event, i) =>
    JSON.stringify({
      ...{ specversion: '1.0', id: String(i), source: 'fleet', data: {} },
      ...{ ...event, time: new Date(event.time).toISOString() },
    }),
  );
  writeFileSync(file, lines.join('\n'));
  const { exitCode, err } = await cli.run('import', file);
  rmSync(directory, { recursive: true });
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
}, 60_000);

afterAll(async () => {
  cli.close();
  await projector.stop();
  await redis.release();
  await database.drop();
});

it('workers are told in a table, filtered and sorted', async () => {
  const { out } = await cli.run('workers', '--sort', '-since');
  expect(out).toMatch(/^4 workers: 2 busy, 1 offline, 1 lost, at 2026-03-02 12:00:00Z\n/);
  const lines = out.split('\n').slice(3, 7);
  expect(lines.map((line) => line.trim().split(/\s+/)[0])).toEqual(['a1', 's1', 's2', 'a2']);
  expect(lines[1]).toMatch(
    /s1 +superadmin +farm +external +h1 +2\/2 +busy +9 min 00 s +10 s +builds\/j1@1 and 1 more$/,
  );
  expect(lines[3]).toMatch(/ 0\/1 +lost \(estimated\) +30 min 00 s/);
  const lost = await cli.json('workers', '--state', 'lost');
  expect(lost.rows).toEqual([
    expect.objectContaining({
      worker: 'a2',
      since: new Date(NOW - 1_800_000).toISOString(),
      estimated: true,
    }),
  ]);
  expect((await cli.run('workers', '--tenant', 't-beta')).out).toContain('none');
  expect(await cli.run('workers', '--state', 'asleep')).toMatchObject({ exitCode: 2 });
});

it('queues tell rates, workers and a verdict beside their depth', async () => {
  const { out } = await cli.run('queues', '--tenant', 't-acme');
  expect(out).toMatch(
    / builds +1 +0 +0 +1 +15 s +0\.2 +– +1 min 00 s +1 min 00 s +2 +steady: 0\.2 in, 0 out per minute\n/,
  );
  expect(out).toMatch(/ dead +1 .* 0 +nothing serves this queue\n/);
  const { rows } = await cli.json('queues', '--queue', 'tests');
  expect(rows).toEqual([
    expect.objectContaining({
      tenant: 't-beta',
      inProgress: 2,
      arrivals15: 0.13,
      workers: 2,
      meanWaitMs: 30_000,
    }),
  ]);
});

it('usage and reasons tell their estimated part', async () => {
  expect((await cli.run('usage')).out).toContain('of these 1,800 are estimated: nobody told when they ended');
  expect((await cli.run('usage', '--by', 'tenant')).out).toMatch(
    /tenant +node-seconds +estimated\n +t-acme +1,800 +1,800\n/,
  );
  expect(await cli.json('usage', '--level', 'running', '--by', 'queue')).toMatchObject({
    ...{ estimated: true, estimatedTotal: '600' },
  });
  expect((await cli.run('why', 'node_seconds')).out).toContain('1,800 of them are estimated');
});

it('top draws one frame, or tells it as JSON', async () => {
  const { exitCode, out } = await cli.run('top', '--once');
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^quipu top {2}2026-03-02 12:00:00Z {2}2 queued, 3 in progress {2}4 workers: 2 busy, /);
  expect(out).toMatch(/\nTENANTS by queued\n +tenant .*\n +t-acme +2 +1 /);
  expect(out).toMatch(/\nQUEUES by queued\n/);
  expect(out).toMatch(/\nWORKERS by state\n.*\n +a2 /);
  expect(out).not.toMatch(/\u001b/);
  const frame = await cli.json('top', '--once', '--tenant', 't-beta');
  expect(frame).toMatchObject({
    ...{ asOf: new Date(NOW).toISOString(), workers: [] },
    tenants: [{ tenant: 't-beta', queued: 0, inProgress: 2, nodes: '0' }],
    queues: [{ queue: 'tests', verdict: 'steady: 0.2 in, 0.4 out per minute' }],
  });
  expect(await cli.run('top', '--every', '0')).toMatchObject({ exitCode: 2, out: '' });
});
