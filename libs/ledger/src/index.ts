export * from './entities/index.js';
export { buildLedger, type BuildLedgerOptions, type BuiltLedger, dropLedger } from './build-generation.js';
export {
  createLedgerRunner,
  type LedgerRunner,
  type LedgerRunnerOptions,
  rebuildLedger,
  type RebuildLedgerOptions,
  reseedLedger,
} from './ledger-runner.js';
export { ledgerMigrations } from './migrations/index.js';
export { ledgerTables, NEVER_RETIRED } from './migrations/ledger-tables.js';
export { canReseed, codeHash, neededBy } from './projection/code-hash.js';
export {
  LEDGER_1,
  LEDGER_PROJECTION,
  LEDGER_VERSION,
  type LedgerSchema,
  ledgerSchema,
  parseLedgerSchema,
} from './schema.js';
export { type ConfiguredBuckets, configureBuckets, DEFAULT_BUCKETS } from './metrics/buckets.js';
export { metricFamilies, metricFamily } from './metrics/catalogue.js';
export { RATIO_SCALE, shownSlots, type SlotStates } from './metrics/families/slots.js';
export {
  type Audience,
  type Dialect,
  type EntityFamily,
  type EvaluatedSample,
  type FamilyInfo,
  type MetricFamily,
  type MetricType,
  type OperationalFamily,
  type ZeroSource,
  type ZeroValues,
} from './metrics/types.js';
export { levelSums } from './sql/level-sums.js';
export { canonicalLabels } from './storage/canonical-labels.js';
export { atGrain, type Grain, usageKeyId } from './storage/usage-keys.js';
export { type DriftRecord, type KnownDrift, readDrift, writeDrift } from './totals/drift-record.js';
export { healTotals } from './totals/heal-totals.js';
export { LuaScript } from './totals/lua-script.js';
export {
  amountField,
  CHANGES_KEY,
  memberSetKey,
  memberSetName,
  membersKey,
  parseAmountField,
  parseMemberSetName,
  TORN,
  TOTALS_KEY,
} from './totals/totals-keys.js';
export { type TotalsChange, type TotalsHead } from './totals/totals-changes.js';
export { type FeedAnswer, type MemberSetCounts, TotalsFeed, TotalsMovedError } from './totals/totals-feed.js';
export {
  type MemberCounts,
  type TotalAmount,
  type TotalsAnswer,
  type TotalsQuery,
  TotalsReader,
  type UnusableReason,
} from './totals/totals-reader.js';
export { type TotalsState } from './totals/totals-writer.js';
export { within } from './totals/within.js';
