export { type Edge, type Interval, type Walk, walkEdges } from './intervals.js';
export {
  BUCKET_KINDS,
  type BucketKind,
  type CalendarUnit,
  DAY_MS,
  HOUR_MS,
  QUARTER_MS,
  type Span,
  bucketEnd,
  bucketStart,
  calendarBuckets,
  calendarNext,
  calendarStart,
  dayOf,
  monthOf,
  quarterOf,
} from './buckets.js';
export {
  LevelAccumulator,
  type LevelStep,
  type LevelSumRow,
  integrateSteps,
  levelAt,
  sumSteps,
} from './level-sums.js';
