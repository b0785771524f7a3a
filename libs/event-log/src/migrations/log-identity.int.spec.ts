import type { QueryRunner } from 'typeorm';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { type LogIdentity, readLogIdentity } from '../reading/log-identity.js';
import { LogIdentity1764600000200 } from './log-identity.migration.js';

describe('the identity of a log', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());

  async function again(): Promise<LogIdentity> {
    const runner = { query: (text: string) => database.pool.query(text) } as unknown as QueryRunner;
    const migration = new LogIdentity1764600000200();
    await migration.down(runner);
    await migration.up(runner);
    return readLogIdentity(database.pool);
  }

  it('is another one where it is made anew, and counts from then on', async () => {
    const clock = async () =>
      Number(
        (
          await database.pool.query<{ ms: string }>(
            'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms',
          )
        ).rows[0]!.ms,
      );
    await database.pool.query('DELETE FROM tenants');
    const before = Math.floor(await clock());
    const [one, other] = [await again(), await again()];
    expect(one.id).not.toBe(other.id);
    expect(one.sinceMs).toBeGreaterThanOrEqual(before);
    expect(one.sinceMs).toBeLessThanOrEqual(await clock());
    expect(await readLogIdentity(database.pool)).toEqual(other);
  });

  it('of a database of before counts since that came into being', async () => {
    await database.pool.query(
      `INSERT INTO tenants (id, name, created_ms, origin)
       VALUES ('superadmin', 'superadmin', 1700000000123, 'system'), ('acme', 'acme', 1600000000000, 'event')`,
    );
    expect((await again()).sinceMs).toBe(1_700_000_000_123);
  });
});
