import { DataSource, type QueryRunner } from 'typeorm';
import { testDatabase, type TestDatabase } from '../../../test/support/index.js';

/** A database of one spec file on which single migrations are taken back and made again. */
export interface MigratingDatabase extends TestDatabase {
  /** Runs migrations; released by `drop`. */
  readonly runner: QueryRunner;
}

/** Makes a migrated, otherwise empty database; call it in beforeAll and `drop` in afterAll. */
export async function migratingDatabase(): Promise<MigratingDatabase> {
  const database = await testDatabase();
  const source = await new DataSource({ type: 'postgres', url: database.url, poolSize: 1 }).initialize();
  const runner = source.createQueryRunner();
  return {
    ...{ url: database.url, pool: database.pool, runner },
    async drop() {
      await runner.release();
      await source.destroy();
      await database.drop();
    },
  };
}
