import { jest } from '@jest/globals';
import { sampleEvent, sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

const ALL = { maxEvents: 100_000, maxBytes: 1 << 30 };

jest.setTimeout(30_000);

describe('partitions of the log', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
    await database.pool.query(
      `CREATE OR REPLACE FUNCTION log_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 100::bigint'`,
    );
  });
  afterAll(() => database.drop());

  const partitions = async () =>
    (
      await database.pool.query(
        `SELECT p.first_position::int AS first, p.end_position::int AS end,
                to_regclass('log_p' || first_position) IS NOT NULL AS made
         FROM log_partitions p ORDER BY first_position`,
      )
    ).rows;

  it('are made by the append that comes near the end of the last one', async () => {
    await log.append({ events: sampleEvents(88) });
    expect(await partitions()).toEqual([{ first: 0, end: 100, made: true }]);
    await log.append({ events: [sampleEvent()] });
    await log.append({ events: [sampleEvent()] });
    expect(await partitions()).toEqual([
      { first: 0, end: 100, made: true },
      { first: 100, end: 200, made: true },
    ]);
  });

  it('are made as many as one append needs, and refuse changes like the first', async () => {
    await log.append({ events: sampleEvents(450) });
    expect((await partitions()).at(-1)).toEqual({ first: 500, end: 600, made: true });
    expect(await log.countAfter(0n)).toBe(540n);
    expect((await log.readAfter(85n, ALL)).map(({ position }) => Number(position))).toEqual(
      Array.from({ length: 455 }, (_, i) => 86 + i),
    );
    await expect(database.pool.query('DELETE FROM log_p400')).rejects.toMatchObject({ code: '42501' });
    await expect(database.pool.query('TRUNCATE log_p400')).rejects.toMatchObject({ code: '42501' });
  });

  it('are made without waiting for readers, and without making them wait', async () => {
    const reader = await database.pool.connect();
    await reader.query('BEGIN');
    await reader.query('SELECT count(*) FROM log');
    await log.append({ events: sampleEvents(200) });
    expect((await reader.query('SELECT count(*)::int AS n FROM log')).rows[0].n).toBe(740);
    await reader.query('COMMIT');
    reader.release();
    expect((await partitions()).at(-1)).toEqual({ first: 700, end: 800, made: true });
  });

  it('are made once when writers come near the end together', async () => {
    await Promise.all(
      Array.from({ length: 8 }, () => new EventLog(database.pool).append({ events: sampleEvents(60) })),
    );
    expect(await log.countAfter(0n)).toBe(1_220n);
    const made = await partitions();
    expect(made.map(({ first }) => first)).toEqual(made.map((_, i) => i * 100));
  });
});
