import { randomUUID } from 'node:crypto';
import { createLogger, ManualClock } from '@quipu/platform';
import { batchOf, createMetrics, policyOf } from '../../../../test/support/archive/archive-fixture.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { type ArchiveResource, ArchiveResources } from '../catalogue/resources.js';
import { archiveCounts } from '../read/archive-backlog.js';
import { ArchiveReader } from '../read/archive-reader.js';
import { sweepPending } from '../store/pending-rows.js';
import { MeasuresWriter } from './measures-writer.js';

const SECOND = 1_000_000_000n;
const policy = policyOf([[60n * SECOND, null]], ['count']);

describe('a metric that Postgres refuses', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  it('holds up no other, and loses nothing', async () => {
    const { pool } = database;
    const clock = new ManualClock(1_800_000_000_000);
    const writer = new MeasuresWriter({ pool, clock, logger: createLogger('test', 'silent') });
    const ids = await createMetrics(pool, policy, 7);
    const refused = ids[3]!;
    await pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'too large' USING ERRCODE = '22000'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON archive_series FOR EACH ROW
        WHEN (NEW.metric_id = '${refused}') EXECUTE FUNCTION refuse()`);
    let second = 0n;
    const batch = () => batchOf(new Map(ids.map((id) => [id, [[(second += 1n) * SECOND, 1]]])));
    const count = async (id: string): Promise<number> => {
      const answer = await new ArchiveReader(pool).measures({ id, policy }, { aggregation: 'count' });
      if ('refused' in answer) throw new Error(answer.refused);
      return answer.series[0]?.points.values[0] ?? 0;
    };

    expect(await writer.apply([batch()])).toMatchObject({ taken: 6, failed: [refused] });
    // It is left alone for a while.
    expect(await writer.apply([batch(), batch()])).toMatchObject({ taken: 12, failed: [], deferred: 2 });
    expect(await writer.takeUpPending(new Set())).toMatchObject({ taken: 0, failed: [refused] });
    expect(await writer.processPending([refused], 1_000)).toBe('done');
    expect(await Promise.all(ids.map(count))).toEqual(ids.map((id) => (id === refused ? 0 : 3)));

    await pool.query('DROP TRIGGER refuse ON archive_series');
    clock.advance(60_001);
    expect(await writer.apply([batch()])).toMatchObject({ taken: 10, failed: [], deferred: 0 });
    expect(await count(refused)).toBe(4);
  });

  it('keeps no more waiting than it may, and counts what it drops', async () => {
    const { pool } = database;
    const clock = new ManualClock(1_800_000_000_000);
    const options = { pool, clock, logger: createLogger('test', 'silent') };
    const [metric, other] = (await createMetrics(pool, policy, 2)) as [string, string];
    // What is stored of it cannot be read.
    await pool.query(
      `INSERT INTO archive_series (metric_id, late, raw, tail) VALUES ($1, 0, '\\x07', '\\x07')`,
      [metric],
    );
    let second = 0n;
    const batch = (count: number) => {
      const of = (): [bigint, number][] => Array.from({ length: count }, () => [(second += 1n) * SECOND, 1]);
      return batchOf(new Map([metric, other].map((id) => [id, of()])));
    };
    const waiting = async () => {
      const { rows } = await pool.query<{ chunks: number; measures: number }>(
        `SELECT count(*)::int AS chunks, sum(measures)::int AS measures FROM archive_pending WHERE metric_id = $1`,
        [metric],
      );
      return rows[0];
    };

    const writer = new MeasuresWriter({ ...options, pendingLimits: { measures: 10, chunks: 3 } });
    expect(await writer.apply([batch(4)])).toMatchObject({ taken: 4, failed: [metric], dropped: 0 });
    expect(await writer.apply([batch(1), batch(2)])).toMatchObject({ taken: 3, deferred: 3, dropped: 0 });
    expect(await waiting()).toEqual({ chunks: 2, measures: 7 });
    expect(await writer.apply([batch(5)])).toMatchObject({ taken: 5, deferred: 3, dropped: 2 });
    expect(await writer.takeUpPending(new Set())).toMatchObject({ failed: [metric] });
    expect(await writer.apply([batch(1)])).toMatchObject({ taken: 1, deferred: 0, dropped: 1 });
    expect((await waiting())?.measures).toBe(10);
    expect(await archiveCounts(pool)).toMatchObject({ pending: 10n, dropped: 3n });

    const strict = new MeasuresWriter({ ...options, pendingLimits: { measures: 100, chunks: 1 } });
    expect(await strict.apply([batch(1)])).toMatchObject({ failed: [metric] });
    expect(await strict.apply([batch(1)])).toMatchObject({ failed: [], deferred: 0, dropped: 1 });

    await pool.query('DELETE FROM archive_series WHERE metric_id = $1', [metric]);
    expect(await writer.takeUpPending(new Set())).toMatchObject({ taken: 11, failed: [] });
    await pool.query('DELETE FROM archive_metrics WHERE id = $1', [metric]);
    await sweepPending(pool);
    expect(await archiveCounts(pool)).toMatchObject({ pending: 0n, dropped: 0n });
  });
});

describe('a resource that has ended', () => {
  const SECOND_US = 1_000_000n;
  const NOW_US = 1_800_000_000_000_000n;
  let database: TestDatabase;
  let resources: ArchiveResources;
  let writer: MeasuresWriter;
  let metrics: string[];
  let ended: ArchiveResource;

  beforeAll(async () => {
    database = await testDatabase();
    const { pool } = database;
    resources = new ArchiveResources(pool);
    const clock = new ManualClock(Number(NOW_US / 1_000n));
    writer = new MeasuresWriter({ pool, clock, logger: createLogger('test', 'silent') });
  });
  beforeEach(async () => {
    metrics = await createMetrics(database.pool, policy, 2);
    ended = await endedWith(metrics);
  });
  afterAll(() => database.drop());

  /** A resource that ended 100 seconds after the epoch. */
  function endedWith(ids: readonly string[]): Promise<ArchiveResource> {
    const id = randomUUID();
    return resources.create(
      {
        ...{ id, tenant: 'superadmin', creator: 'admin', type: 'generic', originalId: id },
        ...{ userId: null, projectId: null, startedUs: 0n, endedUs: 100n * SECOND_US },
        ...{ revisionStartUs: NOW_US, metrics: [], adopted: new Map(ids.map((of, i) => [`m${i}`, of])) },
      },
      0,
    );
  }

  const measure = (...times: readonly (readonly [string, bigint])[]) =>
    writer.apply([batchOf(new Map(times.map(([id, ns]) => [id, [[ns, 1]]])))]);
  const told = () => resources.get('superadmin', ended.id);

  it('stays so with measures until its end, and is open again with one after it', async () => {
    const other = await endedWith([]);
    await measure([metrics[0]!, 100n * SECOND], [metrics[1]!, 99n * SECOND]);
    expect(await told()).toEqual(ended);
    await measure([metrics[0]!, 100n * SECOND + 1n], [metrics[1]!, 99n * SECOND]);
    // What was seen of it before is not what it is now, even where the clock stands still.
    expect(await told()).toEqual({ ...ended, endedUs: null, revisionStartUs: NOW_US + 1n });
    await measure([metrics[0]!, 102n * SECOND], [metrics[1]!, 101n * SECOND]);
    expect(await told()).toMatchObject({ revisionStartUs: NOW_US + 1n });
    expect(await resources.get('superadmin', other.id)).toEqual(other);
  });

  it('stays so with a measure that is too old to be taken', async () => {
    await database.pool.query('UPDATE archive_resources SET ended_us = NULL WHERE id = $1', [ended.id]);
    await measure([metrics[0]!, 1_000n * SECOND]);
    await database.pool.query('UPDATE archive_resources SET ended_us = 100000000 WHERE id = $1', [ended.id]);
    expect(await measure([metrics[0]!, 200n * SECOND])).toMatchObject({ late: 1 });
    expect(await told()).toEqual(ended);
  });

  it('is not waited for while somebody else has it', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM archive_resources WHERE id = $1 FOR UPDATE', [ended.id]);
      expect(await measure([metrics[0]!, 200n * SECOND])).toMatchObject({ taken: 1 });
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    expect(await told()).toEqual(ended);
    expect(await measure([metrics[1]!, 200n * SECOND])).toMatchObject({ taken: 1 });
    expect(await told()).toMatchObject({ endedUs: null });
  });
});
