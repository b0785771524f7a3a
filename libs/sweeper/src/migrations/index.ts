import type { MigrationInterface } from 'typeorm';
import { SweeperTables1764200000600 } from './sweeper-tables.migration.js';

/** The migrations of this library, oldest first. */
export const sweeperMigrations: (new () => MigrationInterface)[] = [SweeperTables1764200000600];
