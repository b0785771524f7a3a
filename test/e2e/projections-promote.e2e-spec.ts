import { type LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createPool, createRedis, systemClock } from '@quipu/platform';
import { DepthQueries, READER_SESSION, UsageQueries } from '@quipu/read-models';
import { localScope } from '../../apps/cli/src/support/scope.js';
import { testCli, type TestCli } from '../int/cli/test-cli.js';
import { startTestProjector, type TestProjector } from '../int/cli/test-projector.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

/** Each node is held from 100 s before this, and never released: one event, 100 node-seconds. */
const END = Date.UTC(2024, 5, 1);
const BEFORE = 6_000;

let database: TestDatabase;
let redis: TestRedis;
let projector: TestProjector;
let cli: TestCli;
let log: EventLog;
let sent = 0;

/** The next `count` events: odd positions allocate a node, even ones queue a job. */
function next(count: number): LogEvent[] {
  return Array.from({ length: count }, () => {
    sent += 1;
    const [type, subject] =
      sent % 2 === 1 ? ['node.allocated', `node/c/${sent}`] : ['job.queued', `job/q/${sent}@1`];
    const data =
      sent % 2 === 1 ? { user: `u${sent % 7}`, cluster: 'c' } : { queue: 'q', user: `u${sent % 7}` };
    const tenant = `t${sent % 3}`;
    return {
      tenant,
      source: 'load',
      id: String(sent),
      type,
      subject,
      time: END - 100_000,
      dataversion: 1,
      data,
    } as LogEvent;
  });
}

/** Leaves the processors of a small machine to what is being tested. */
const breathe = () => new Promise((resolve) => setTimeout(resolve, 10));
const schema = async (): Promise<string> => {
  const { generations } = await cli.json('projections');
  return generations.find(({ status }: { status: string }) => status === 'live').schema;
};
const caughtUp = async (): Promise<void> => {
  while ((await cli.json('projections')).generations[0].behindEvents !== '0');
};

beforeAll(async () => {
  database = await testDatabase();
  redis = await testRedis();
  log = new EventLog(database.pool);
  for (const id of ['t0', 't1', 't2']) {
    await database.pool.query(`INSERT INTO tenants VALUES ($1, $1, 0, 'system')`, [id]);
  }
  for (let i = 0; i < BEFORE; i += 2_000) await log.append({ events: next(2_000) });
  projector = await startTestProjector(database.url, redis.url);
  cli = testCli({ database: database.url, redis: redis.url }, systemClock);
  await caughtUp();
}, 120_000);

afterAll(async () => {
  cli.close();
  await projector.stop();
  await redis.release();
  await database.drop();
});

describe('a generation built beside the live one', () => {
  it('takes its place under load, and no reader ever sees a partial or backward number', async () => {
    const pool = createPool(database.url, { max: 4, session: READER_SESSION });
    const connection = createRedis(redis.url, 'producer');
    const usage = new UsageQueries(pool);
    const depths = [new DepthQueries(pool, connection), new DepthQueries(pool, null)];
    let over = false;
    const answers = { usage: 0, redis: 0, postgres: 0 };
    const readUsage = async (bucketed: boolean): Promise<void> => {
      for (let last = 0n; !over;) {
        const answer = await usage.usage(localScope(), {
          ...{ level: 'nodes', now: END, filters: {} },
          ...(bucketed ? { bucket: 'hour' } : {}),
        });
        const total = answer.rows.reduce((sum, row) => sum + row.total, 0n);
        expect(total).toBe(((answer.position + 1n) / 2n) * 100_000n);
        expect(answer.position).toBeGreaterThanOrEqual(last);
        last = answer.position;
        answers.usage += 1;
        await breathe();
      }
    };
    const readDepth = async (queries: DepthQueries): Promise<void> => {
      for (let last = 0n; !over;) {
        const answer = await queries.depth(localScope(), END);
        expect(answer.rows.reduce((sum, row) => sum + row.queued, 0)).toBe(Number(answer.position / 2n));
        expect(answer.position).toBeGreaterThanOrEqual(last);
        last = answer.position;
        answers[answer.source] += 1;
        await breathe();
      }
    };
    const write = async (): Promise<void> => {
      while (!over) {
        await log.append({ events: next(50) });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const work = Promise.all([write(), readUsage(false), readUsage(true), ...depths.map(readDepth)]).catch(
      (error: unknown) => {
        over = true;
        throw error;
      },
    );
    // A reader that fails must be told of by the last line of this test, not as an unhandled rejection before it.
    work.catch(() => undefined);
    const counts: (typeof answers)[] = [];
    for (const live of ['ledger_2', 'ledger_3']) {
      const report = await cli.json('projections', 'rebuild');
      expect(report).toMatchObject({ schema: live, promoted: true, retired: { dropped: true } });
      expect(await schema()).toBe(live);
      counts.push({ ...answers });
      const seen = answers.redis;
      while (!over && answers.redis < seen + 20) await breathe();
    }
    over = true;
    await work;
    await caughtUp();
    expect(counts[0]!.usage).toBeGreaterThan(0);
    const generations = (await cli.json('projections')).generations.map(
      (row: { schema: string }) => row.schema,
    );
    expect(generations).toEqual(['ledger_3']);
    const verified = await cli.json('verify');
    expect(verified).toMatchObject({ ok: true, events: sent, redis: { compared: true } });
    await pool.end();
    connection.disconnect();
  }, 180_000);

  it('waits for its promotion when told so, and is gone on with, not begun again', async () => {
    const built = await cli.json('projections', 'rebuild', '--no-promote');
    expect(built).toMatchObject({ schema: 'ledger_4', promoted: false, events: String(sent), retired: null });
    await log.append({ events: next(100) });
    const again = await cli.json('projections', 'promote', '--keep');
    expect(again).toMatchObject({ schema: 'ledger_4', promoted: true, events: '100' });
    expect(again.retired).toEqual({ schema: 'ledger_3', dropped: false });
    expect((await cli.run('projections')).out).toMatch(/ledger_3 +retired/);
    expect(await cli.run('projections', 'drop', 'ledger_4')).toMatchObject({ exitCode: 1 });
    expect((await cli.run('projections', 'drop', 'ledger_3')).exitCode).toBe(0);
    expect(await cli.run('projections', 'promote')).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/No gen/),
    });
    expect(await cli.run('projections', 'rebuild', '--in-place', '--keep')).toMatchObject({ exitCode: 2 });
    expect((await cli.run('verify')).exitCode).toBe(0);
  }, 90_000);

  it('halts at poison of its own, and goes on after a skip that it honours', async () => {
    await cli.json('projections', 'rebuild', '--no-promote');
    await database.pool.query(`
      CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'cannot be stored' USING ERRCODE = '22000'; END $$;
      CREATE TRIGGER poison BEFORE INSERT ON ledger_5.entities FOR EACH ROW WHEN (NEW.id = 'node/c/${sent + 1}')
        EXECUTE FUNCTION poison()`);
    const { lastPosition } = await log.append({ events: next(1) });
    await log.append({ events: next(9) });
    const halted = await cli.run('projections', 'promote');
    expect(halted).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(`Halted at position ${lastPosition}`),
    });
    await caughtUp();
    const position = String(lastPosition);
    expect((await cli.json('projections')).generations).toMatchObject([
      { schema: 'ledger_4', status: 'live', halted: null },
      { schema: 'ledger_5', status: 'building', halted: { position, error: 'cannot be stored' } },
    ]);
    await cli.json('projections', 'skip', position, '--reason', 'only the new code stumbles over it');
    expect(await cli.json('projections', 'promote')).toMatchObject({ schema: 'ledger_5', promoted: true });
    await caughtUp();
    expect(await cli.json('verify')).toMatchObject({ ok: true, skipped: 1 });
  }, 90_000);
});
