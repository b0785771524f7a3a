import { migratingDatabase, type MigratingDatabase } from '../../test/migrating-database.js';
import { LEVEL_CODES } from '../entities/types.js';
import { LevelCodes1764300000400 } from './level-codes.migration.js';

describe('the migration that makes room for slots and estimates', () => {
  let database: MigratingDatabase;
  const migration = new LevelCodes1764300000400();
  const change = (level: number) =>
    database.pool.query(`INSERT INTO ledger_1.changes VALUES (${level}, 0, gen_random_uuid(), 1, 1)`);
  const levels = async (): Promise<number[]> => {
    const { rows } = await database.pool.query<{ level: number }>(
      'SELECT level FROM ledger_1.changes ORDER BY level',
    );
    return rows.map(({ level }) => level);
  };

  beforeAll(async () => {
    database = await migratingDatabase();
  });
  afterAll(() => database.drop());

  it('takes every level there is and no other, and gives the room back', async () => {
    const codes = Object.values(LEVEL_CODES);
    for (const code of codes) await change(code);
    await expect(change(codes.length + 1)).rejects.toThrow(/changes_level_check/);
    await migration.down(database.runner);
    expect(await levels()).toEqual([1, 2, 3]);
    await expect(change(4)).rejects.toThrow(/changes_level_check/);
    await migration.up(database.runner);
    await change(8);
    expect(await levels()).toEqual([1, 2, 3, 8]);
  });
});
