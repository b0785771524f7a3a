import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@quipu/platform';
import type { Reporter } from '@quipu/reporter';
import type { Artifact, FileStore } from '../artifacts/file-store.js';
import type { WorkerConfig } from '../worker-config.js';

/** How long the size of the store may be out of date in the ledger, ms. */
const SIZE_EVERY_MS = 5_000;
/** How long a job waits at most until the ledger's queue has its artifact, ms. */
const PATIENCE_MS = 2_000;
/** Part of the time to end in that a last look at the store may take. */
const LOOKING = 0.1;

/** Reports what lies in the file store. */
export class ArtifactReports {
  private timer: NodeJS.Timeout | undefined;
  private readonly ending = new AbortController();

  constructor(
    private readonly config: WorkerConfig,
    private readonly store: FileStore,
    private readonly reporter: Reporter,
    private readonly logger: Logger,
  ) {}

  /**
   * Reports an artifact, and waits until Quipu's queue has it: a worker that is killed after its job is done must not
   * leave an artifact that nobody knows of. If that queue is away, the job does not wait for it.
   */
  async created(artifact: Artifact): Promise<void> {
    const { tenant, fileStore } = this.config;
    this.reporter.report({
      type: 'artifact.created',
      tenant,
      subject: `artifact/${artifact.id}`,
      time: artifact.createdMs,
      data: {
        category: artifact.category,
        fileStore,
        ...(artifact.user === undefined ? {} : { user: artifact.user }),
        files: artifact.files,
      },
    });
    this.timer ??= setTimeout(() => void this.size(), SIZE_EVERY_MS).unref();
    await this.reporter.flush({ deadlineMs: PATIENCE_MS });
  }

  /** Reports the store as it is now. A look that takes long holds up nothing but this. */
  async size(): Promise<void> {
    try {
      await this.store.size.look(this.ending.signal);
    } catch (error) {
      if (!this.ending.signal.aborted)
        this.logger.warn({ err: error }, 'the size of the file store is not known');
    }
    if (!this.ending.signal.aborted) this.report();
  }

  /** Reports the size that is still to be reported; it may be that of an earlier look and what was added since. */
  async stop(): Promise<void> {
    const untold = this.timer !== undefined;
    const patience = new AbortController();
    if (untold) {
      const late = sleep(this.config.shutdownSeconds * 1_000 * LOOKING, undefined, patience);
      const looked = this.store.size.look(this.ending.signal);
      await Promise.race([looked, late]).catch(() => undefined);
      patience.abort();
    }
    this.ending.abort();
    if (untold) this.report();
  }

  private report(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const totalSize = this.store.size.bytes;
    if (totalSize === undefined) return;
    const { tenant, fileStore } = this.config;
    this.reporter.report({
      type: 'file_store.set',
      tenant,
      subject: `file_store/${fileStore}`,
      data: { backend: 'Local', totalSize },
    });
  }
}
