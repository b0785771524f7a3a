export * from './entities/index.js';
export { ledgerMigrations } from './migrations/index.js';
export {
  LEDGER_1,
  LEDGER_PROJECTION,
  LEDGER_VERSION,
  type LedgerSchema,
  ledgerSchema,
  parseLedgerSchema,
} from './schema.js';
