import { DataSource, type MixedList } from 'typeorm';
import { accessMigrations } from '@quipu/access';
import { eventLogMigrations } from '@quipu/event-log';
import { engineMigrations } from '@quipu/projection-engine';
import { ledgerMigrations } from '@quipu/ledger';
import { archiveMigrations } from '@quipu/archive';
import { sweeperMigrations } from '@quipu/sweeper';

/** Where TypeORM notes which migrations have run. */
export const MIGRATIONS_TABLE = 'schema_migrations';

/** Every migration of Quipu; TypeORM orders them by the timestamp in their names. */
export const migrations = [
  ...accessMigrations,
  ...eventLogMigrations,
  ...engineMigrations,
  ...ledgerMigrations,
  ...archiveMigrations,
  ...sweeperMigrations,
];

/** A TypeORM data source for migrations only (all, or those named): no entities, nothing synchronised. */
export function dataSource(databaseUrl: string, only?: readonly string[]): DataSource {
  const chosen = migrations.filter(({ name }) => only === undefined || only.includes(name));
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    applicationName: 'quipu-migrate',
    migrationsTableName: MIGRATIONS_TABLE,
    migrations: chosen satisfies MixedList<unknown>,
    entities: [],
    synchronize: false,
    poolSize: 1,
  });
}
