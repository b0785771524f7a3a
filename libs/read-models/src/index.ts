export { READER_SESSION } from './reader-session.js';
export {
  DIMENSIONS,
  LEVELS,
  coveringGrain,
  type Dimension,
  type Grain,
  type LevelName,
  type UsageFilters,
} from './usage/dimensions.js';
export {
  UsageQueries,
  type LevelQuery,
  type UsageAnswer,
  type UsageGroup,
  type UsageQuery,
} from './usage/usage-queries.js';
export { type DepthAnswer, type DepthFilters, DepthQueries, type DepthRow } from './depth/depth-queries.js';
export { type LedgerStatus, StatusQueries } from './status/status-queries.js';
