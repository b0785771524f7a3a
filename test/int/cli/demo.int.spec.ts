import { systemClock } from '@quipu/platform';
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
  projector = await startTestProjector(database.url, redis.url);
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
});

afterAll(async () => {
  cli.close();
  await projector.stop();
  await redis.release();
  await database.drop();
});

describe('the demo', () => {
  it('shows depth and usage as they change, and ends with usage per tenant and an exact verdict', async () => {
    const { exitCode, out, err } = await cli.run('demo', '--for', '6s', '--seed', '3');
    expect({ exitCode, err }).toEqual({
      exitCode: 0,
      err: expect.stringContaining('Recomputing every number'),
    });
    expect(out).toMatch(/^demo {2}0 s of 6 s/);
    expect(out).toMatch(/tenant +queue +queued/);
    expect(out).toMatch(/demo-acme +\d+ +\d+/);
    expect(out).toMatch(/verify {2}exact\n/);
  }, 30_000);

  it('leaves nobody waiting, running or holding nodes', async () => {
    const { rows } = await cli.json('queues');
    expect(rows).toEqual([]);
    const { total } = await cli.json('usage');
    expect((await cli.json('usage')).total).toBe(total);
  });

  it('can be played again beside what was there, and answers in JSON', async () => {
    const { events, usage, verify } = await cli.json('demo', '--for', '2s', '--seed', '3');
    expect(events).toBeGreaterThan(20);
    expect(usage.map((row: { tenant: string }) => row.tenant).sort()).toEqual([
      'demo-acme',
      'demo-globex',
      'demo-initech',
    ]);
    expect(verify.ok).toBe(true);
  }, 30_000);
});
