export { type Checkpoint, type Queryable, READ_CHECKPOINT, readCheckpoint } from './checkpoint.js';
export { CodeMismatchError, FoldError, ProjectionMissingError, isPoison } from './errors.js';
export {
  beginGeneration,
  type BuildingGeneration,
  dropGeneration,
  GenerationError,
  type GenerationPlan,
  promoteGeneration,
  type PromoteOptions,
  type Promotion,
} from './generations.js';
export { type CommittedAt, type PreparedBatch, type ProjectionHandler, type Statement } from './handler.js';
export { ELECTION_LOCK_CLASS, LeaderSession, PROJECTION_SESSION } from './leader-session.js';
export { type Generation, type GenerationStatus, listGenerations } from './list-generations.js';
export { type BatchLimits, type EventSourceLog } from './leadership.js';
export { vacuum, withMaintenanceClient } from './maintenance.js';
export { engineMigrations } from './migrations/index.js';
export {
  ProjectionRunner,
  type RunnerOptions,
  type RunnerPhase,
  type RunnerState,
} from './projection-runner.js';
export {
  type RebuildLog,
  type RebuildOptions,
  type RebuildProgress,
  rebuildInPlace,
} from './rebuild-in-place.js';
export { type ReseedOptions, reseedInPlace } from './reseed-in-place.js';
export { runStatement } from './run-statement.js';
export { readSkips, type Skip, skipPosition } from './skips.js';
