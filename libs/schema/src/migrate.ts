import { MigrationExecutor } from 'typeorm';
import type { Logger } from '@quipu/platform';
import { dataSource } from './data-source.js';

/** Any number that no other advisory lock of Quipu uses. */
export const MIGRATION_LOCK = 7_263_548_110;

/**
 * Brings the database up to date and answers with the names of the migrations that ran. Everything happens
 * in one transaction under an advisory lock: two processes that start at once wait for each other, and a
 * migration that fails leaves nothing behind. When any ran, the ledger's epoch is new, so that a Redis
 * which still mirrors the totals of before is recognised.
 * @param only names of the migrations to run, for a database as it was at some time; all if absent.
 */
export async function migrate(databaseUrl: string, log: Logger, only?: readonly string[]): Promise<string[]> {
  const source = await dataSource(databaseUrl, only).initialize();
  try {
    await using runner = source.createQueryRunner();
    await runner.connect();
    await runner.startTransaction();
    try {
      await runner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      const executor = new MigrationExecutor(source, runner);
      executor.transaction = 'none'; // the one around us holds the lock
      const ran = await executor.executePendingMigrations();
      if (ran.length > 0) await runner.query(NEW_EPOCH);
      await runner.commitTransaction();
      const names = ran.map((migration) => migration.name);
      if (names.length > 0) log.info({ migrations: names }, 'database migrated');
      return names;
    } catch (error) {
      await runner.rollbackTransaction();
      throw error;
    }
  } finally {
    await source.destroy();
  }
}

const NEW_EPOCH = `
  INSERT INTO ledger_epoch (singleton, epoch) VALUES (true, gen_random_uuid())
  ON CONFLICT (singleton) DO UPDATE SET epoch = excluded.epoch`;
