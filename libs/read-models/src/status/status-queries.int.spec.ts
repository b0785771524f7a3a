import { codeHash } from '@quipu/ledger';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { StatusQueries } from './status-queries.js';

describe('StatusQueries', () => {
  let database: TestDatabase;
  let status: StatusQueries;

  beforeAll(async () => {
    database = await testDatabase();
    status = new StatusQueries(database.pool);
  });
  afterAll(() => database.drop());

  it('is at rest on an empty log', async () => {
    expect(await status.read()).toMatchObject({
      logPosition: 0n,
      checkpoint: 0n,
      lagEvents: 0n,
      lagMs: 0,
      halted: null,
      deadLetters: 0,
    });
  });

  it('measures lag against what is committed', async () => {
    const { pool } = database;
    await pool.query(`SELECT log_ensure_partitions(100)`);
    await pool.query(
      `INSERT INTO log (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, data)
       SELECT p, floor(extract(epoch FROM clock_timestamp()) * 1000) - 60000 + p, 0, 'a', 's', p::text,
              'job.queued', 'job/q/1', 1, '{}' FROM generate_series(1, 10) p`,
    );
    await pool.query(
      `INSERT INTO log_digests (last_position, first_position, events, digest, previous)
       SELECT last, first, last - first + 1, sha256('d'), sha256('p') FROM (VALUES (1, 3), (4, 8), (9, 10)) b (first, last)`,
    );
    await pool.query(`UPDATE projections SET position = 4 WHERE name = 'ledger'`);
    const behind = await status.read();
    expect(behind).toMatchObject({ logPosition: 10n, checkpoint: 4n, lagEvents: 6n });
    expect(behind.lagMs).toBeGreaterThanOrEqual(59_000);
    expect(behind.lagMs).toBeLessThan(120_000);
    await pool.query(`UPDATE projections SET position = 10 WHERE name = 'ledger'`);
    expect(await status.read()).toMatchObject({ lagEvents: 0n, lagMs: 0 });
  });

  it('tells that other code made the tables, and what helps', async () => {
    const made = (by: string) =>
      database.pool.query(`UPDATE projections SET code_hash = $1 WHERE name = 'ledger'`, [by]);
    const [fold] = codeHash().split(':');
    await made(`${fold}:other`);
    expect((await status.read()).needs).toBe('reseed');
    await made('other:other');
    expect((await status.read()).needs).toBe('rebuild');
    await made(codeHash());
    expect((await status.read()).needs).toBeNull();
  });

  it('tells where and why the projection stands still', async () => {
    await database.pool.query(
      `UPDATE projections SET halted_position = 11, halted_error = 'boom', halted_ms = 5 WHERE name = 'ledger'`,
    );
    expect((await status.read()).halted).toEqual({ position: 11n, error: 'boom', sinceMs: 5 });
  });
});
