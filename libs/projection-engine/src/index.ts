export { type Checkpoint, READ_CHECKPOINT, readCheckpoint } from './checkpoint.js';
export { CodeMismatchError, FoldError, ProjectionMissingError, isPoison } from './errors.js';
export { type CommittedAt, type PreparedBatch, type ProjectionHandler, type Statement } from './handler.js';
export { engineMigrations } from './migrations/index.js';
