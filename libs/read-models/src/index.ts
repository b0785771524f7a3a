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
