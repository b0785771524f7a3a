import type { Logger } from '@quipu/platform';
import type { Reporter } from '@quipu/reporter';
import type { Artifact, FileStore } from '../artifacts/file-store.js';
import type { WorkerConfig } from '../worker-config.js';

/** How long the size of the store may be out of date in the ledger, ms. */
const SIZE_EVERY_MS = 5_000;
/** How long a job waits at most until the ledger's queue has its artifact, ms. */
const PATIENCE_MS = 2_000;

/** Reports what lies in the file store. */
export class ArtifactReports {
  private timer: NodeJS.Timeout | undefined;

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

  /** Reports the store as it is now. */
  async size(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    try {
      this.reporter.report({
        type: 'file_store.set',
        tenant: this.config.tenant,
        subject: `file_store/${this.config.fileStore}`,
        data: { backend: 'Local', totalSize: await this.store.totalSize() },
      });
    } catch (error) {
      this.logger.warn({ err: error }, 'the size of the file store could not be told');
    }
  }

  /** Reports the size that is still to be reported. */
  async stop(): Promise<void> {
    if (this.timer !== undefined) await this.size();
  }
}
