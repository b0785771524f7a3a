import { QuipuError } from '@quipu/platform';

/** A part of the log is in an archive that this process cannot read: the message names it and says why. */
export class ArchiveUnavailableError extends QuipuError {
  readonly code = 'archive_unavailable';
  readonly retryable = true;
}

/** An answer needs a walk over a part of the log that is archived; the message names the archives. */
export class ArchivedPositionError extends QuipuError {
  readonly code = 'position_archived';
  readonly retryable = false;
}

/** What an archive holds is not what was archived, or what is to be archived does not fit its digests. */
export class ArchiveDamagedError extends QuipuError {
  readonly code = 'archive_damaged';
  readonly retryable = false;
}
