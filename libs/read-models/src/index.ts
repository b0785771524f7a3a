export { READER_SESSION } from './reader-session.js';
export {
  DIMENSIONS,
  LEVELS,
  USAGE_LEVELS,
  coveringGrain,
  type Dimension,
  type Grain,
  type LevelName,
  type UsageFilters,
  type UsageLevel,
} from './usage/dimensions.js';
export {
  type EstimatedGroup,
  type EstimatedUsage,
  EstimatedUsageQueries,
  type EstimatedUsageQuery,
} from './usage/estimated-usage.js';
export {
  UsageQueries,
  type LevelQuery,
  type UsageAnswer,
  type UsageGroup,
  type UsageQuery,
} from './usage/usage-queries.js';
export { type DepthAnswer, type DepthFilters, DepthQueries, type DepthRow } from './depth/depth-queries.js';
export { type FlowAnswer, type Lengths, type QueueFlow, type Rates } from './flow/flow-queries.js';
export { RATE_MINUTES } from './flow/level-flow.js';
export { QueueQueries, type QueuesAnswer, type QueueStanding } from './flow/queue-queries.js';
export { PoolQueries, type PoolRow, type PoolsAnswer, type PoolsQuery } from './fleet/pool-queries.js';
export { type CurrentJob } from './fleet/held-jobs.js';
export {
  type WorkerAnswer,
  WorkerQueries,
  type WorkerRow,
  type WorkersAnswer,
} from './fleet/worker-queries.js';
export { WORKER_STATES, type WorkerStanding, type WorkerStateName } from './fleet/worker-standing.js';
export { type WorkerSpell } from './fleet/worker-timeline.js';
export { type LedgerStatus, StatusQueries } from './status/status-queries.js';
export { type ConservedSlots, WorkerConservation } from './status/worker-conservation.js';
export { type Past, type PastLevel, PastQueries } from './past/past-queries.js';
export { type Measure, MEASURE_NAMES, type MeasureKind, measureKind } from './why/measures.js';
export { type WhyPlace } from './why/top-items.js';
export { type WhyItem, type WhyWindow } from './why/why-item.js';
export { type WhyEvent } from './why/events-behind.js';
export { type ExplainedItem, type WhyAnswer, WhyQueries, type WhyQuery } from './why/why-queries.js';
export {
  type EntityAnswer,
  type EntityInterval,
  EntityQueries,
  type EntityQuery,
} from './entities/entity-queries.js';
export { type ExportedReasons, exportReasons } from './why/export-reasons.js';
export { CounterMarks, markKey, type MarksMoment } from './totals/counter-marks.js';
export { MARK_HOLDS_MS, MARKS_KEY } from './totals/counter-marks-script.js';
export { type TotalSeries, type TotalsFamily } from './totals/totals-family.js';
export { type CountedMembers, type Totals, TotalsReplica } from './totals/totals-replica.js';
export {
  type AddOutcome,
  type Generation,
  GenerationStore,
  type GenerationsWanted,
  type KeptGeneration,
  type SamplerState,
} from './generations/generation-store.js';
export { CounterFloors } from './generations/counter-floors.js';
export { ledgerPoints, type PointTotals } from './generations/ledger-points.js';
export { PointTotalsReader, type PointTotalsAnswer } from './generations/point-totals.js';
export {
  GENERATION_SECONDS,
  idPart,
  KEPT_GENERATIONS,
  lastTen,
  type MetricPoint,
  MOST_POINTS,
  type PointType,
  withinBudget,
} from './generations/points.js';
export { SAMPLER_LEASE_KEY } from './generations/generation-scripts.js';
