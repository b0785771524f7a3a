import { memberSetKey, TOTALS_KEY } from '@quipu/ledger';
import { createRedis, systemClock } from '@quipu/platform';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector | undefined;
let cli: TestCli;

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  projector = await startTestProjector(database.url, redis.url);
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
  await cli.json('import', 'test/fixtures/swf/small.swf', '--ending', 'now', '--tenant-by', '=live');
}, 60_000);

afterAll(async () => {
  cli.close();
  await projector?.stop();
  await redis.release();
  await database.drop();
});

const FINISHED = (outcome: string): RegExp => new RegExp(`^jobs_finished\\|live\\|.*${outcome}`);

async function field(pattern: RegExp): Promise<string> {
  const found = (await redis.redis.hkeys(TOTALS_KEY)).find((name) => pattern.test(name));
  if (found === undefined) throw new Error(`no field like ${String(pattern)}`);
  return found;
}

async function report(
  ...args: string[]
): Promise<{ exitCode: number; report: ReturnType<typeof JSON.parse> }> {
  const { exitCode, out } = await cli.run('reconcile', '--json', ...args);
  return { exitCode, report: JSON.parse(out) };
}

/** Changes one amount, adds another, and moves, loses and adds a member. */
async function tamper(): Promise<void> {
  await redis.redis.hincrby(TOTALS_KEY, await field(FINISHED('completed')), 7);
  await redis.redis.hset(TOTALS_KEY, 'jobs|nobody|{"queue":"q","state":"running"}', '3');
  const generation = (await redis.redis.hget(TOTALS_KEY, '@generation'))!;
  const key = memberSetKey(generation, 'waiting|live|default');
  await redis.redis.sadd(`{quipu}:members:${generation}`, 'waiting|live|default');
  await redis.redis.zadd(key, 12, 'job/default/ghost@12');
}

describe('reconcile', () => {
  it('finds nothing where nothing is wrong, and publishes that', async () => {
    expect((await cli.json('status')).totals).toEqual({ state: 'ok', drift: null, reconciled: null });
    expect(await report()).toMatchObject({
      exitCode: 0,
      report: { state: 'equal', drift: 0, drifts: [], healed: false },
    });
    const { totals } = await cli.json('status');
    expect(totals).toMatchObject({ state: 'ok', drift: 0, reconciled: { drift: 0, healed: false } });
    expect((await cli.run('status')).out).toMatch(/totals +in Redis, equal to Postgres/);
  }, 30_000);

  it('names every series that differs, changes nothing, and exits with 3', async () => {
    await tamper();
    const { exitCode, report: found } = await report();
    expect({ exitCode, state: found.state, drift: found.drift }).toEqual({
      ...{ exitCode: 3, state: 'drifted', drift: 3 },
    });
    expect(found.drifts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'amount', family: 'jobs_finished', tenant: 'live' }),
        expect.objectContaining({ kind: 'amount', tenant: 'nobody', postgres: 'none', redis: '3' }),
        expect.objectContaining({ kind: 'members', tenant: 'live', series: 'default' }),
      ]),
    );
    const { out, err } = await cli.run('reconcile');
    expect(out).toMatch(/^reconcile {2}drifted at position [\d,]+, \d+ series\n/);
    expect(out).toMatch(/amount +jobs +nobody .* none +3\n/);
    expect(err).toMatch(/differ in 3 series\.\n +`\.\/quipu reconcile --heal`/);
    expect((await cli.json('status')).totals).toMatchObject({ drift: 3, reconciled: { drift: 3 } });
    expect((await cli.run('status')).out).toMatch(/3 series differ from Postgres/);
  }, 30_000);

  it.each(['a projector', 'nobody'])(
    '--heal loads the totals again, with %s at work',
    async (who) => {
      if (who === 'nobody') {
        await projector?.stop();
        projector = undefined;
        await tamper();
      }
      expect(await report('--heal')).toMatchObject({ exitCode: 0, report: { drift: 3, healed: true } });
      expect(await report()).toMatchObject({ exitCode: 0, report: { state: 'equal', drift: 0 } });
      expect((await cli.json('status')).totals).toMatchObject({ state: 'ok', drift: 0 });
      expect((await cli.run('verify')).exitCode).toBe(0);
      const { rows } = await database.pool.query(`SELECT detail FROM audit WHERE action = 'totals.healed'`);
      expect(rows.at(-1)).toMatchObject({ detail: { drift: 3, healed: true } });
    },
    30_000,
  );

  it('says so where there is nothing to compare, and loads it', async () => {
    await redis.redis.del(TOTALS_KEY);
    expect(await report()).toMatchObject({ exitCode: 3, report: { state: 'unusable', series: 0 } });
    expect((await cli.json('status')).totals).toMatchObject({ state: 'missing' });
    expect(await report('--heal')).toMatchObject({ exitCode: 0, report: { healed: true } });
  }, 30_000);
});

describe('health', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await startTestSystem();
  }, 30_000);
  afterAll(() => system.stop());

  it('is degraded while a drift is known and not healed', async () => {
    const now = system.clock.now();
    await system.report([
      { type: 'job.queued', tenant: 'acme', subject: 'job/q/1@1', time: now, data: { queue: 'q' } },
    ]);
    const line = testCli({ database: system.databaseUrl, redis: system.redisUrl }, system.clock);
    const ready = async (): Promise<unknown> =>
      (await system.request({ method: 'GET', url: '/health/ready' })).json();
    const client = createRedis(system.redisUrl, 'plain');
    try {
      expect((await line.run('reconcile')).exitCode).toBe(0);
      expect(await ready()).toMatchObject({ status: 'ok', details: { redis: { status: 'up' } } });
      await client.hset(TOTALS_KEY, 'jobs|acme|{"queue":"x","state":"running"}', '1');
      expect((await line.run('reconcile')).exitCode).toBe(3);
      expect(await ready()).toMatchObject({
        details: {
          redis: { status: 'degraded', reason: expect.stringMatching(/differ from Postgres in 1 series/) },
        },
      });
      expect((await line.run('reconcile', '--heal')).exitCode).toBe(0);
      expect(await ready()).toMatchObject({ details: { redis: { status: 'up' } } });
    } finally {
      client.disconnect();
      line.close();
    }
  }, 30_000);
});
