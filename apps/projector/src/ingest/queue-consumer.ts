import { createRedis, errorMessage, type Logger } from '@quipu/platform';
import { type Job, Queue, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import { GroupCommit, type GroupLimits, type Weight } from './group-commit.js';
import { IngestWorker, type JobAnswer } from './ingest-worker.js';

/** What a {@link QueueConsumer} needs. */
export interface QueueConsumerOptions {
  readonly redisUrl: string;
  readonly logger: Logger;
  /** The queue, and BullMQ's prefix of it. */
  readonly queue: { readonly name: string; readonly prefix: string };
  /** For whoever reads the log: what it brings, where to, and what it is called as a client of Redis. */
  readonly names: { readonly brings: string; readonly store: string; readonly client: string };
  /** Most jobs in flight. */
  readonly concurrency: number;
  /** Most bytes of job data in flight. */
  readonly maxBytes: number;
  /** How long (ms) Redis takes a job to be in good hands without hearing of it; default 5 s. */
  readonly lockMs: number | undefined;
  readonly group: Partial<GroupLimits> | undefined;
  /** Called after each acknowledgement. */
  readonly onCompleted: (() => void) | undefined;
}

/** What is counted here. */
export interface ConsumerCounters {
  /** Jobs acknowledged. */
  jobs: number;
  /** Times the store became unavailable. */
  outages: number;
  /** Jobs given back to the queue because of that. */
  returned: number;
}

/** Shorter than what a supervisor waits for the whole process. */
const STOP_MS = 5_000;

/**
 * Takes jobs of a queue and commits what they bring to a store, many at a time.
 *
 * A job is acknowledged only after the commit of all it brought, and is never failed: while the store is away it waits
 * here, then goes back into the queue (which uses no attempt). Killed at any moment, it leaves jobs that are active
 * without a lock; another consumer, or the next start, takes them up again after at most three `lockMs`. Whoever extends
 * this makes sure that to take up a job twice changes nothing.
 */
export abstract class QueueConsumer<Item> {
  protected readonly redis: Redis;
  protected readonly queue: Queue;
  protected abstract readonly counters: ConsumerCounters;
  private readonly worker: IngestWorker;
  private readonly group: GroupCommit<Item>;
  private outage: string | null = null;
  private stopping: Promise<void> | null = null;

  /** Connects to nothing yet. */
  constructor(private readonly setup: QueueConsumerOptions) {
    const { name, prefix } = setup.queue;
    const { brings, client } = setup.names;
    const lockMs = setup.lockMs ?? 5_000;
    this.redis = createRedis(setup.redisUrl, 'consumer', client);
    this.queue = new Queue(name, { connection: this.redis, prefix });
    this.queue.on('error', (error) => this.complain(error));
    this.worker = new IngestWorker(
      name,
      (job, bytes) => this.handle(job, bytes),
      {
        connection: this.redis,
        prefix,
        concurrency: setup.concurrency,
        lockDuration: lockMs,
        stalledInterval: Math.ceil(lockMs / 2),
        // A consumer killed twice with a job in hand must not cost that job; the default of 1 fails it.
        maxStalledCount: 1_000_000_000,
        removeOnComplete: { count: 0 },
        // Its default of 15 s would leave the queue alone long after Redis is back.
        runRetryDelay: 1_000,
      },
      setup.maxBytes,
    );
    this.worker.on('error', (error) => this.complain(error));
    this.worker.on('failed', (job, error) =>
      setup.logger.error(
        { jobId: job?.id, err: error },
        `a job with ${brings} failed; it will be swept back`,
      ),
    );
    if (setup.onCompleted) this.worker.on('completed', setup.onCompleted);
    this.group = new GroupCommit<Item>(
      {
        commit: (items) => this.commit(items),
        probe: () => this.probe(),
        onOutage: (error) => this.onOutage(error),
        onTrial: () => this.onTrial(),
        onRecovery: (ms) => this.onRecovery(ms),
      },
      setup.group,
    );
  }

  /** Starts taking jobs. Returns at once; while Redis is away it waits for it. */
  start(): void {
    this.worker.run().catch((error: unknown) => this.complain(error));
    this.begin();
  }

  /** Takes no more jobs, finishes the commit under way, gives back what cannot be committed, and disconnects. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Why nothing is taken; null while it is. */
  get trouble(): string | null {
    return this.outage;
  }

  /** What becomes of a job; the answer is kept with it. Throws only what {@link durable} throws. */
  protected abstract handle(job: Job<unknown, JobAnswer>, bytes: number): Promise<JobAnswer>;
  /** Commits all of these, or throws; some may have been committed before. */
  protected abstract commit(items: readonly Item[]): Promise<void>;
  /** Resolves if a commit may succeed again. */
  protected abstract probe(): Promise<void>;
  /** Begins what is done beside the jobs. */
  protected abstract begin(): void;
  /** Ends it. */
  protected abstract end(): Promise<void>;

  /**
   * Resolves once a job's item is committed; otherwise gives the job back to its queue.
   * @throws WaitingError when it was given back, which tells BullMQ so.
   */
  protected async durable(job: Job<unknown, JobAnswer>, item: Item, weight: Weight): Promise<void> {
    if ((await this.group.add(item, weight)) === 'committed') {
      this.counters.jobs += 1;
      return;
    }
    this.counters.returned += 1;
    await job.moveToWait(job.token).catch((error: unknown) => this.complain(error));
    throw new WaitingError();
  }

  /** Tells of trouble with Redis, unless this is ending anyway. */
  protected complain(error: unknown): void {
    const { logger, names } = this.setup;
    if (this.stopping === null) logger.warn({ err: error }, `trouble with the queue of ${names.brings}`);
  }

  private async shutDown(): Promise<void> {
    const { logger, names } = this.setup;
    const ended = Promise.all([this.end(), this.group.stop(), this.worker.close()]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), STOP_MS)));
    // With Redis away the jobs in hand cannot be given back; their locks run out by themselves.
    if ((await Promise.race([ended, late])) === 'late') {
      logger.warn(`Redis does not answer; jobs with ${names.brings} are left to their locks`);
      await this.worker.abandon();
    }
    await Promise.race([this.queue.close().catch(() => undefined), late]);
    clearTimeout(timer);
    this.redis.disconnect();
    logger.info({ ...this.counters }, `no more ${names.brings} are taken`);
  }

  private onOutage(error: unknown): void {
    const { logger, names } = this.setup;
    if (this.outage === null) {
      this.counters.outages += 1;
      logger.error({ err: error }, `the ${names.store} takes no ${names.brings}; the queue keeps them`);
    }
    this.outage = `The ${names.store} takes no ${names.brings}: ${errorMessage(error)}`;
    void this.worker.pause(true).catch((cause: unknown) => this.complain(cause));
  }

  /** No longer an outage: whether it goes on shows with the next job, and there may be none for hours. */
  private onTrial(): void {
    this.outage = null;
    this.resume(1);
  }

  private onRecovery(outageMs: number): void {
    const { logger, names, concurrency } = this.setup;
    this.outage = null;
    logger.info({ outageMs: Math.round(outageMs) }, `the ${names.store} takes ${names.brings} again`);
    this.resume(concurrency);
  }

  private resume(jobs: number): void {
    this.worker.jobLimit = jobs;
    if (this.stopping === null) void this.worker.resume().catch((cause: unknown) => this.complain(cause));
  }
}
