import { systemClock } from '@quipu/platform';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const SMALL = 'test/fixtures/swf/small.swf';

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector | undefined;
let cli: TestCli;

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  projector = await startTestProjector(database.url, redis.url);
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
  await cli.json('import', SMALL);
}, 60_000);

afterAll(async () => {
  cli.close();
  await projector?.stop();
  await redis.release();
  await database.drop();
});

const audit = async (): Promise<string[]> => {
  const { rows } = await database.pool.query<{ action: string }>(`SELECT action FROM audit ORDER BY id`);
  return rows.map(({ action }) => action).filter((action) => action.startsWith('projection.'));
};

describe('projections', () => {
  it('status tells where the ledger stands, whose code made it and who writes it', async () => {
    const status = await cli.json('projections');
    expect(status).toMatchObject({
      name: 'ledger',
      log: { position: '357' },
      generations: [
        {
          ...{ schema: 'ledger_1', status: 'live', position: '357', behindEvents: '0', halted: null },
          ...{ code: 'same', codeHash: status.codeHash, leader: { pid: expect.any(Number) } },
        },
      ],
      skips: [],
    });
    const { out } = await cli.run('projections', 'status');
    expect(out).toMatch(/ledger_1 +live +357 +up to date +1 +this \w+ +session \d+/);
  }, 20_000);

  it('rebuild in place comes to the same numbers beside a projector, and mends what was wrong', async () => {
    const before = await cli.json('usage', '--by', 'tenant,user');
    await database.pool.query(`UPDATE ledger_1.level_buckets SET d1 = d1 + 5`);
    const report = await cli.json('projections', 'rebuild', '--in-place');
    expect(report).toMatchObject({ position: '357', events: '357' });
    expect((await cli.json('usage', '--by', 'tenant,user')).rows).toEqual(before.rows);
    expect((await cli.run('verify')).exitCode).toBe(0);
  }, 60_000);

  it('reseed sums the stored states again', async () => {
    await database.pool.query(`UPDATE ledger_1.amounts SET value = value + 5`);
    expect(await cli.json('projections', 'reseed')).toMatchObject({ position: '357' });
    expect((await cli.run('verify')).exitCode).toBe(0);
    expect(await audit()).toEqual(['projection.rebuild_started', 'projection.reseeded']);
  }, 60_000);

  it('refuses to put a projector of other code out of work, unless forced', async () => {
    await projector?.stop();
    projector = undefined;
    const other = await database.pool.connect();
    try {
      await database.pool.query(`UPDATE projections SET code_hash = 'other:code'`);
      await other.query(`SELECT pg_advisory_lock(${0x51_50_4c_31}, hashtext('ledger'))`);
      for (const args of [['rebuild', '--in-place'], ['reseed']]) {
        const { exitCode, err } = await cli.run('projections', ...args);
        expect(exitCode).toBe(1);
        expect(err).toMatch(/A projector of other code is at work/);
      }
      await other.query('SELECT pg_advisory_unlock_all()');
      // The states are of other code, too.
      const { exitCode, err } = await cli.run('projections', 'reseed', '--force');
      expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringMatching(/Rebuild/) });
    } finally {
      other.release();
    }
    expect((await cli.run('projections', 'rebuild', '--in-place')).exitCode).toBe(0);
  }, 60_000);

  it('skips the event that the ledger stands still at, and nothing else', async () => {
    expect(await cli.run('projections', 'skip', '12')).toMatchObject({ exitCode: 2 });
    expect(await cli.run('projections', 'skip', '-1', '--reason', 'x')).toMatchObject({ exitCode: 2 });
    const wrong = await cli.run('projections', 'skip', '12', '--reason', 'x');
    expect(wrong).toMatchObject({ exitCode: 1, err: expect.stringMatching(/not halted/) });
    await database.pool.query(`
      CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'cannot be stored' USING ERRCODE = '22000'; END $$;
      CREATE TRIGGER poison BEFORE INSERT ON ledger_1.entities FOR EACH ROW WHEN (NEW.id = 'job/q/poison@1')
        EXECUTE FUNCTION poison()`);
    projector = await startTestProjector(database.url, redis.url);
    const { rows } = await database.pool.query<{ last_position: string }>(`
      SELECT last_position FROM append_events(ARRAY[gen_random_uuid()], ARRAY['\\x00'::bytea], ARRAY[1::bigint],
        ARRAY['g1'], ARRAY['test'], ARRAY['1'], ARRAY['job.queued'], ARRAY['job/q/poison@1'], ARRAY[1::bigint],
        ARRAY[NULL::text], ARRAY['{"queue":"q"}'], ARRAY[]::bytea[], ARRAY[]::text[], ARRAY[]::text[],
        ARRAY[]::text[], ARRAY[]::text[])`);
    const position = rows[0]!.last_position;
    const halted = async () => (await cli.json('projections')).generations[0].halted;
    while ((await halted()) === null);
    expect(await halted()).toMatchObject({ position, error: 'cannot be stored' });
    expect((await cli.run('projections')).out).toMatch(`projections skip ${position} --reason`);
    const reason = 'made to fail by a test';
    expect(await cli.json('projections', 'skip', position, '--reason', reason)).toEqual({ position, reason });
    while ((await cli.json('projections')).generations[0].position !== position);
    expect((await cli.json('projections')).skips).toMatchObject([{ position, reason, by: 'cli' }]);
    expect((await audit()).at(-1)).toBe('projection.skipped');
  }, 60_000);
});
