export type { AppendOutcome, AppendResult } from './append/append-batch.js';
export type { NewDeadLetter } from './append/dead-letter.js';
export {
  ArchiveDamagedError,
  ArchivedPositionError,
  ArchiveUnavailableError,
} from './archive/archive-errors.js';
export { lockArchives, unlockArchives } from './archive/archive-lock.js';
export type { ArchivedLog } from './archive/archived-log.js';
export {
  type ArchivedPart,
  indexNameOf,
  insertArchivedPart,
  type Queryable,
  readArchivedParts,
} from './archive/archived-part.js';
export { checkFiles, type FileFault } from './archive/check-files.js';
export { LogArchive } from './archive/log-archive.js';
export {
  archivePartition,
  dropArchivedPartition,
  manifestOf,
  type MoveOptions,
} from './archive/move-partition.js';
export { restorePartition, type RestoreOptions } from './archive/restore-partition.js';
export type { PartRange } from './archive/write-archive.js';
export { exportLog, type ExportReport } from './chain/export-log.js';
export { type AppendBatch, EventLog } from './event-log.js';
export { bodyHash, eventIdentity, type IdentityKey } from './identity.js';
export { eventLogMigrations } from './migrations/index.js';
export type { DeadLetter } from './reading/dead-letters.js';
export type { EventRefusal, FoundEvent, LoggedEvent } from './reading/find-event.js';
export type { LogHead } from './reading/head.js';
export { type IngestCount, readIngestCounts } from './reading/ingest-counts.js';
export type { LocatedEvent } from './reading/locate-events.js';
export { type LogIdentity, readLogIdentity } from './reading/log-identity.js';
export type { ReadLimits } from './reading/read-after.js';
export type { SelectedEvents, Selection } from './reading/read-selected.js';
