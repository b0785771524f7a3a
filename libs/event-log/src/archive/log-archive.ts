import { ArchiveFiles } from './archive-files.js';
import { ArchivedLog } from './archived-log.js';
import { type Queryable, readArchivedParts } from './archived-part.js';

/** The archives of a log: one per process, for it keeps what it has unpacked last. */
export class LogArchive {
  private readonly files: ArchiveFiles;
  private lastEnd = 0n;

  /** @param directory where the files are (`archiveDir` of the configuration); null: archived events cannot be read. */
  constructor(readonly directory: string | null) {
    this.files = new ArchiveFiles(directory);
  }

  /**
   * What is archived, as a session sees it. Within a snapshot, it fits what else is read in it: a partition stays in the
   * table until nobody is left who cannot see that it is archived.
   */
  async seenBy(client: Queryable): Promise<ArchivedLog> {
    const archived = new ArchivedLog(await readArchivedParts(client), this.files);
    this.lastEnd = archived.end;
    return archived;
  }

  /** Whether what follows a position was archived when this process looked last: a hint where to look first. */
  likelyCovers(position: bigint): boolean {
    return position + 1n < this.lastEnd;
  }
}
