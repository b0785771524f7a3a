import { MigrationExecutor } from 'typeorm';
import type { Logger } from '@quipu/platform';
import { dataSource } from './data-source.js';
import { MIGRATION_LOCK } from './migrate.js';

const LATER_GENERATIONS = `
  SELECT nspname AS name FROM pg_namespace WHERE nspname ~ '^ledger_[0-9]+$' AND nspname <> 'ledger_1'`;

const PROJECTIONS = `SELECT to_regclass('projections') IS NOT NULL AS there`;

/**
 * Takes everything of Quipu out of a database by undoing every migration, in one transaction: log, numbers, tenants
 * and keys are gone afterwards. Tables of others stay.
 * @throws what TypeORM says when a migration ran that this program does not know.
 */
export async function unmigrate(databaseUrl: string, log: Logger): Promise<void> {
  const source = await dataSource(databaseUrl).initialize();
  try {
    await using runner = source.createQueryRunner();
    await runner.connect();
    await runner.startTransaction();
    try {
      await runner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const executor = new MigrationExecutor(source, runner);
      executor.transaction = 'none'; // the one around us holds the lock
      const executed = await executor.getExecutedMigrations();
      // Other generations of the ledger were made beside the first, by no migration.
      for (const { name } of (await runner.query(LATER_GENERATIONS)) as { name: string }[]) {
        await runner.query(`DROP SCHEMA ${name} CASCADE`);
      }
      if (executed.length > 0) {
        await runner.query('CREATE SCHEMA IF NOT EXISTS ledger_1');
        const [{ there }] = (await runner.query(PROJECTIONS)) as [{ there: boolean }];
        if (there) await runner.query(`DELETE FROM projections WHERE schema_name <> 'ledger_1'`);
      }
      for (const _ of executed) await executor.undoLastMigration();
      await runner.commitTransaction();
      log.info({ migrations: executed.length }, 'database emptied');
    } catch (error) {
      await runner.rollbackTransaction();
      throw error;
    }
  } finally {
    await source.destroy();
  }
}
