export { type CalendarUnit, isCalendarUnit } from './aggregate/calendar.js';
export { fromNs, toNs } from './aggregate/grid.js';
export { type Fill } from './aggregate/overlay.js';
export { type Sampling, type Series } from './aggregate/resample.js';
export { ArchiveRefresher } from './measures/archive-refresher.js';
export * from './measures/batch-codec.js';
export * from './measures/measures-writer.js';
export { type JobInQueue, jobsInQueue, openJobs, stillThere as openBatches } from './measures/open-jobs.js';
export * from './measures/points.js';
export { backBlocks, blockNs, MIN_GRANULARITY_NS } from './policy/window.js';
export * from './read/archive-backlog.js';
export * from './read/archive-reader.js';
export { forgetBatches, oldBatches } from './store/batch-rows.js';
export { sweepPending } from './store/pending-rows.js';
export { brokenConstraint, CatalogueError, type CatalogueRefusal } from './catalogue/catalogue-error.js';
export { compileGlob, type Glob } from './catalogue/glob.js';
export {
  ArchiveMetrics,
  type ArchiveMetric,
  METRIC_SORT_KEYS,
  type MetricFilters,
  type NewMetric,
} from './catalogue/metrics.js';
export { mayUse, type Owner } from './catalogue/ownership.js';
export { type Page, parseSort, type SortKey } from './catalogue/page.js';
export { ArchivePolicies } from './catalogue/policies.js';
export {
  completeDefinition,
  DefinitionError,
  type DefinitionInput,
  expandMethods,
  METHOD_ENTRIES,
  secondsText,
} from './catalogue/policy-definition.js';
export {
  ArchiveResources,
  type ArchiveResource,
  markerOf,
  type NamedMetric,
  type NewResource,
  RESOURCE_SORT_KEYS,
} from './catalogue/resources.js';
export { ArchiveRules, type ArchiveRule } from './catalogue/rules.js';
export {
  AGGREGATION_METHODS,
  type ArchivePolicy,
  type ArchivePolicyItem,
  DEFAULT_METHODS,
} from './policy/archive-policy.js';

import { ArchiveCatalogue1764200000500 } from './migrations/archive-catalogue.migration.js';
import { ArchiveDropped1764500000500 } from './migrations/archive-dropped.migration.js';
import { ArchiveSeries1764200000700 } from './migrations/archive-series.migration.js';

/** The migrations of this library, in order. */
export const archiveMigrations = [
  ArchiveCatalogue1764200000500,
  ArchiveSeries1764200000700,
  ArchiveDropped1764500000500,
];
