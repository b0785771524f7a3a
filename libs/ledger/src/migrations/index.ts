import { LevelBuckets1764100000400 } from './level-buckets.migration.js';
import { LevelCodes1764300000400 } from './level-codes.migration.js';
import { LedgerTables1763600000400 } from './ledger-tables.migration.js';
import { MetricEntities1764000000400 } from './metric-entities.migration.js';
import { PresentWorkers1764400000400 } from './present-workers.migration.js';

/** Migrations of the ledger's tables, in order. */
export const ledgerMigrations = [
  LedgerTables1763600000400,
  MetricEntities1764000000400,
  LevelBuckets1764100000400,
  LevelCodes1764300000400,
  PresentWorkers1764400000400,
];
