import { migratingDatabase, type MigratingDatabase } from '../../test/migrating-database.js';
import { LevelBuckets1764100000400 } from './level-buckets.migration.js';

const ROWS = `
  SELECT level, bucket_kind, key_id::text, bucket::int, d::int, n::int, max_t::int, w::text
    FROM ledger_1.level_sums ORDER BY level, bucket_kind, key_id, bucket`;

describe('the migration that puts levels side by side', () => {
  let database: MigratingDatabase;

  beforeAll(async () => {
    database = await migratingDatabase();
  });
  afterAll(() => database.drop());

  it('keeps every sum of an older ledger, there and back', async () => {
    const { pool } = database;
    const migration = new LevelBuckets1764100000400();
    await migration.down(database.runner);
    await pool.query(`
      INSERT INTO ledger_1.level_sums (level, bucket_kind, key_id, bucket, d, n, max_t, w)
      SELECT level, kind, md5(key::text)::uuid, bucket * 900000, level * bucket, kind * 2,
             CASE WHEN kind = 1 THEN bucket * 900000 + level END, 1e30::numeric + level * key
        FROM generate_series(1, 3) level, generate_series(1, 3) kind, generate_series(1, 2) key,
             generate_series(-1, 2) bucket WHERE (level + kind + key + bucket) % 3 > 0`);
    const { rows: before } = await pool.query(ROWS);
    expect(before.length).toBeGreaterThan(40);
    await migration.up(database.runner);
    expect((await pool.query(ROWS)).rows).toEqual(before);
    const { rows: wide } = await pool.query('SELECT count(*)::int AS n FROM ledger_1.level_buckets');
    expect(wide[0]).toEqual({ n: 24 });
    await migration.down(database.runner);
    expect((await pool.query(ROWS)).rows).toEqual(before);
    await migration.up(database.runner);
  });
});
