import { sampleEvents } from '../../test/sample-events.js';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { EventLog } from '../event-log.js';

const CHANGES = [
  (table: string) => `DELETE FROM ${table}`,
  (table: string) => `TRUNCATE ${table}`,
  (table: string) => `TRUNCATE ${table} CASCADE`,
];
const COLUMN: Record<string, string> = { log: 'tenant', event_ids: 'body_hash', log_digests: 'digest' };

describe('what was written', () => {
  let database: TestDatabase;
  let log: EventLog;

  beforeAll(async () => {
    database = await testDatabase();
    log = new EventLog(database.pool);
    // Enough that every hash partition of the identities holds a row.
    await log.append({ events: sampleEvents(300) });
  });
  afterAll(() => database.drop());

  async function withPartitions(table: string): Promise<string[]> {
    const { rows } = await database.pool.query(
      'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass ORDER BY 1',
      [table],
    );
    return [table, ...rows.map(({ name }) => name as string)];
  }

  it.each([
    ['log', 2],
    ['event_ids', 9],
    ['log_digests', 1],
  ])('in %s cannot be updated, deleted or truncated, in any partition', async (table, tables) => {
    const names = await withPartitions(table);
    expect(names.length).toBeGreaterThanOrEqual(tables);
    for (const name of names) {
      const update = `UPDATE ${name} SET ${COLUMN[table]} = ${COLUMN[table]}`;
      for (const statement of [update, ...CHANGES.map((change) => change(name))]) {
        await expect(database.pool.query(statement)).rejects.toMatchObject({
          code: '42501',
          message: expect.stringContaining('the log is append-only'),
        });
      }
    }
    expect(await log.countAfter(0n)).toBe(300n);
  });

  it('cannot be overwritten by INSERT ... ON CONFLICT DO UPDATE', async () => {
    const statement = `INSERT INTO event_ids SELECT identity, '\\x00', 9 FROM event_ids LIMIT 1
      ON CONFLICT (identity) DO UPDATE SET body_hash = EXCLUDED.body_hash`;
    await expect(database.pool.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});
