import { jest } from '@jest/globals';
import { ArchiveRefresher, archiveBacklog, MeasuresWriter, PointsBuilder } from '@quipu/archive';
import { createLogger, createPool, ManualClock } from '@quipu/platform';
import type { Pool } from 'pg';
import { createMetrics, policyOf } from '../../../../test/support/archive/archive-fixture.js';
import { cuttableProxy } from '../../test/cuttable-proxy.js';
import { until } from '../../test/sample-job.js';
import { openTestMeasures, type TestMeasures } from '../../test/test-measures.js';
import { MeasuresConsumer } from './measures-consumer.js';
import { MeasuresUpkeep } from './measures-upkeep.js';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const logger = createLogger('test', 'silent');
const policy = policyOf([[60_000_000_000n, null]], ['sum', 'count']);

jest.setTimeout(120_000);

describe('a consumer of measures', () => {
  let stage: TestMeasures;
  let metric: string;
  let other: string;
  const clock = new ManualClock(NOW);
  const ending: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    stage = await openTestMeasures();
    [metric, other] = (await createMetrics(stage.database.pool, policy, 2)) as [string, string];
  });
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end();
  });
  afterAll(() => stage.close());

  function consume(pool: Pool = stage.database.pool): MeasuresConsumer {
    const writer = new MeasuresWriter({ pool, clock, logger });
    const upkeep = new MeasuresUpkeep({ pool, writer, clock, logger, pendingMs: 10, sweepMs: 20 });
    const consumer = new MeasuresConsumer({
      ...{ redisUrl: stage.services.url, writer, upkeep, logger, lockMs: 1_000 },
      group: { holdMs: 50 },
    });
    ending.push(() => consumer.stop());
    consumer.start();
    return consumer;
  }

  let second = 1_700_000_000;
  function post(...ids: string[]): Promise<void> {
    second += 1;
    const points = new PointsBuilder();
    points.add(second, 0, 1);
    return stage.post(new Map(ids.map((id) => [id, points.build()])));
  }

  const drained = async (): Promise<boolean> =>
    (await stage.queue.getJobCountByTypes('waiting', 'active')) === 0;

  async function measuresOf(id: string): Promise<number> {
    const writer = new MeasuresWriter({ pool: stage.database.pool, clock, logger });
    await new ArchiveRefresher(writer, stage.redis).refresh([id], { timeoutMs: 60_000 });
    const { rows } = await stage.database.pool.query<{ raw: Buffer }>(
      'SELECT raw FROM archive_series WHERE metric_id = $1',
      [id],
    );
    // The first number of the raw points is how many there are.
    return rows[0]?.raw[0] ?? 0;
  }

  it('makes what was posted before a refresh readable after it', async () => {
    consume();
    for (let n = 0; n < 20; n += 1) {
      await post(metric);
      expect(await measuresOf(metric)).toBe(n + 1);
    }
  });

  it('tells a reader that will not wait that nobody takes measures', async () => {
    await post(metric);
    const writer = new MeasuresWriter({ pool: stage.database.pool, clock, logger });
    const refresher = new ArchiveRefresher(writer, stage.redis);
    expect(await refresher.refresh([metric], { timeoutMs: 20 })).toBe('locked');
    const backlog = await archiveBacklog(stage.database.pool, stage.redis);
    expect(backlog.metrics).toEqual(new Map([[metric, 1]]));
    consume();
    expect(await refresher.refresh([metric], { timeoutMs: 60_000 })).toBe('done');
  });

  it('does not wait for a metric that somebody has locked, and takes its measures later', async () => {
    const before = await measuresOf(metric);
    const client = await stage.database.pool.connect();
    await client.query('BEGIN');
    await client.query('SELECT FROM archive_metrics WHERE id = $1 FOR UPDATE', [metric]);
    consume();
    await post(metric, other);
    await until(drained);
    expect(await measuresOf(other)).toBe(1);
    const backlog = await archiveBacklog(stage.database.pool, stage.redis);
    expect(backlog.metrics).toEqual(new Map([[metric, 1]]));
    const writer = new MeasuresWriter({ pool: stage.database.pool, clock, logger });
    expect(await new ArchiveRefresher(writer, stage.redis).refresh([metric], { timeoutMs: 100 })).toBe(
      'locked',
    );
    await client.query('ROLLBACK');
    client.release();
    await until(async () => (await archiveBacklog(stage.database.pool, stage.redis)).metrics.size === 0);
    expect(await measuresOf(metric)).toBe(before + 1);
  });

  it('never seems to have taken measures that it puts aside while they are counted', async () => {
    await post(metric);
    const { pool } = stage.database;
    const client = await pool.connect();
    ending.push(() => client.query('ROLLBACK').then(() => client.release()));
    await client.query('BEGIN');
    await client.query('SELECT FROM archive_metrics WHERE id = $1 FOR UPDATE', [metric]);
    // Between the two looks, whichever comes first, it goes from where it was.
    let looks = 0;
    const between = <T>(answer: Promise<T>): Promise<T> =>
      answer.finally(async () => {
        looks += 1;
        if (looks > 1) return;
        consume();
        await until(drained);
      });
    const backlog = await archiveBacklog(
      spied(pool, 'query', (args: [string]) => between(pool.query(...args))),
      spied(stage.redis, 'multi', () => {
        const asked = stage.redis.multi();
        return spied(asked, 'exec', () => between(asked.exec()));
      }),
    );
    expect(looks).toBeGreaterThan(1);
    expect(backlog.metrics.get(metric)).toBeGreaterThanOrEqual(1);
  });

  it('keeps measures while Postgres is away', async () => {
    const before = await measuresOf(other);
    const proxy = await cuttableProxy(stage.database.url);
    ending.push(() => proxy.close());
    const pool = createPool(proxy.url);
    ending.push(() => pool.end());
    const consumer = consume(pool);
    proxy.cut();
    await post(other);
    await until(() => consumer.trouble !== null);
    expect(await stage.queue.getJobCountByTypes('waiting', 'active')).toBe(1);
    proxy.mend();
    await until(drained);
    expect(await measuresOf(other)).toBe(before + 1);
    expect(consumer.trouble).toBeNull();
  });

  it('throws away what nobody can read, and measures of metrics that are gone', async () => {
    const consumer = consume();
    await stage.queue.add('measures', { v: 1, batch: 'x' });
    await stage.queue.add('measures', null);
    await stage.queue.add('measures', { v: 1, batch: crypto.randomUUID(), measures: 'AAAA' });
    const [gone] = (await createMetrics(stage.database.pool, policy, 1)) as [string];
    await stage.database.pool.query('DELETE FROM archive_metrics WHERE id = $1', [gone]);
    await post(gone);
    await until(drained);
    // More often than once each, if a lock ran out on a busy machine.
    await until(() => consumer.counts.unreadable >= 3 && consumer.counts.orphaned >= 1);
  });

  it('forgets batches a day after they were committed, but none that Redis still holds', async () => {
    const held = crypto.randomUUID();
    const gone = crypto.randomUUID();
    const { pool } = stage.database;
    await pool.query('INSERT INTO archive_batches VALUES ($1, $3), ($2, $3)', [held, gone, NOW - 2 * DAY]);
    await stage.queue.add('measures', {}, { jobId: held, delay: DAY });
    consume();
    const known = async (id: string): Promise<boolean> =>
      (await pool.query('SELECT FROM archive_batches WHERE id = $1', [id])).rowCount === 1;
    await until(async () => !(await known(gone)));
    expect(await known(held)).toBe(true);
    const { rows } = await pool.query('SELECT count(*)::int AS young FROM archive_batches WHERE committed_ms = $1', [NOW]); // prettier-ignore
    expect(rows[0].young).toBeGreaterThan(20);
  });
});

/** The same thing, but for one of its methods. */
function spied<T extends object, A extends unknown[]>(of: T, method: keyof T, call: (args: A) => unknown): T {
  return new Proxy(of, {
    get: (target, name) => {
      if (name === method) return (...args: A) => call(args);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
