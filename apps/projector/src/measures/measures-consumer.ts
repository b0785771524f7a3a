import { decodeBatch, type MeasuresBatch, type MeasuresWriter } from '@quipu/archive';
import { MEASURES_QUEUE, parseMeasuresPayload, QUEUE_PREFIX } from '@quipu/contracts';
import { createRedis, errorMessage, type Logger } from '@quipu/platform';
import { type Job, Queue, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import { GroupCommit, type GroupLimits } from '../ingest/group-commit.js';
import { IngestWorker } from '../ingest/ingest-worker.js';
import { UnreadableData } from '../ingest/read-job.js';
import { type MeasuresCounters, noMeasures } from './measures-counters.js';
import type { MeasuresUpkeep } from './measures-upkeep.js';

/** What a {@link MeasuresConsumer} needs. */
export interface MeasuresConsumerOptions {
  redisUrl: string;
  writer: Pick<MeasuresWriter, 'apply'>;
  upkeep: MeasuresUpkeep;
  logger: Logger;
  /** Most jobs in flight; default 200. */
  concurrency?: number;
  /** How long (ms) Redis takes a job to be in good hands without hearing of it; default 5 s. */
  lockMs?: number;
  group?: Partial<GroupLimits>;
  /** Called after each acknowledgement. */
  onCompleted?: () => void;
}

/** Bytes of job data in flight; decoded, and with the series they change, they take several times as much. */
const MAX_BYTES = 4 << 20;
const GROUP: Partial<GroupLimits> = { maxEvents: 200_000, maxBytes: MAX_BYTES };
/** Shorter than what a supervisor waits for the whole process. */
const STOP_MS = 5_000;

/**
 * Takes measures from the queue into the series of their metrics.
 *
 * As with events, a job is acknowledged only after the commit of all it brought, and is never failed: while the archive
 * is away it waits here, then goes back into the queue. Killed at any moment, it leaves jobs that are active without a
 * lock; another consumer, or the next start, takes them up again. What had been committed is known by the batch's id
 * and does not count twice.
 */
export class MeasuresConsumer {
  private readonly counters = noMeasures();
  private readonly redis: Redis;
  private readonly queue: Queue;
  private readonly worker: IngestWorker;
  private readonly group: GroupCommit<MeasuresBatch>;
  private readonly concurrency: number;
  private outage: string | null = null;
  private stopping: Promise<void> | null = null;

  constructor(private readonly options: MeasuresConsumerOptions) {
    const lockMs = options.lockMs ?? 5_000;
    this.concurrency = options.concurrency ?? 200;
    this.redis = createRedis(options.redisUrl, 'consumer', 'quipu-measures');
    this.queue = new Queue(MEASURES_QUEUE, { connection: this.redis, prefix: QUEUE_PREFIX });
    this.queue.on('error', (error) => this.complain(error));
    this.worker = new IngestWorker(
      MEASURES_QUEUE,
      async (job, bytes) => {
        await this.handle(job, bytes);
        return undefined;
      },
      {
        connection: this.redis,
        prefix: QUEUE_PREFIX,
        concurrency: this.concurrency,
        lockDuration: lockMs,
        stalledInterval: Math.ceil(lockMs / 2),
        // A consumer killed twice with a job in hand must not cost that job.
        maxStalledCount: 1_000_000_000,
        removeOnComplete: { count: 0 },
        runRetryDelay: 1_000,
      },
      MAX_BYTES,
    );
    this.worker.on('error', (error) => this.complain(error));
    this.worker.on('failed', (job, error) =>
      options.logger.error({ jobId: job?.id, err: error }, 'job with measures failed; it will be swept back'),
    );
    if (options.onCompleted) this.worker.on('completed', options.onCompleted);
    this.group = new GroupCommit<MeasuresBatch>(
      {
        commit: (batches) => this.commit(batches),
        probe: () => options.upkeep.probe(),
        onOutage: (error) => this.onOutage(error),
        onTrial: () => this.onTrial(),
        onRecovery: (ms) => this.onRecovery(ms),
      },
      { ...GROUP, ...options.group },
    );
  }

  /** Starts taking jobs. Returns at once; while Redis is away it waits for it. */
  start(): void {
    this.worker.run().catch((error: unknown) => this.complain(error));
    this.options.upkeep.start(this.queue, this.redis);
  }

  /** Takes no more jobs, finishes the commit under way, gives back what cannot be committed, and disconnects. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** Why no measures are taken; null while they are. */
  get trouble(): string | null {
    return this.outage;
  }

  /** What was done so far. */
  get counts(): Readonly<MeasuresCounters> {
    return this.counters;
  }

  private async shutDown(): Promise<void> {
    const ended = Promise.all([this.options.upkeep.stop(), this.group.stop(), this.worker.close()]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), STOP_MS)));
    // With Redis away the jobs in hand cannot be given back; their locks run out by themselves.
    if ((await Promise.race([ended, late])) === 'late') {
      this.options.logger.warn('Redis does not answer; jobs with measures are left to their locks');
      await this.worker.abandon();
    }
    await Promise.race([this.queue.close().catch(() => undefined), late]);
    clearTimeout(timer);
    this.redis.disconnect();
    this.options.logger.info({ ...this.counters }, 'measures stopped');
  }

  private async handle(job: Job, bytes: number): Promise<void> {
    const batch = readBatch(job.data);
    if ('error' in batch) {
      // Only the API writes here, and only what it has validated: there is nobody to give this back to.
      this.options.logger.error(
        { jobId: job.id, reason: batch.error },
        'a job of the measures is unreadable',
      );
      this.counters.unreadable += 1;
      return;
    }
    const events = batch.parts.reduce((sum, { points }) => sum + points.values.length, 0);
    if ((await this.group.add(batch, { events, bytes })) === 'committed') {
      this.counters.jobs += 1;
      return;
    }
    await job.moveToWait(job.token).catch((error: unknown) => this.complain(error));
    throw new WaitingError();
  }

  private async commit(batches: readonly MeasuresBatch[]): Promise<void> {
    const written = await this.options.writer.apply(batches);
    const { counters } = this;
    counters.commits += 1;
    counters.duplicates += written.duplicates;
    counters.taken += written.taken;
    counters.late += written.late;
    counters.orphaned += written.orphaned;
    counters.deferred += written.deferred;
    counters.failed += written.failed.length;
  }

  private onOutage(error: unknown): void {
    if (this.outage === null) {
      this.counters.outages += 1;
      this.options.logger.error({ err: error }, 'the archive takes no measures; the queue keeps them');
    }
    this.outage = `The archive takes no measures: ${errorMessage(error)}`;
    void this.worker.pause(true).catch((cause: unknown) => this.complain(cause));
  }

  /** No longer an outage: whether it goes on shows with the next job, and there may be none for hours. */
  private onTrial(): void {
    this.outage = null;
    this.resume(1);
  }

  private onRecovery(outageMs: number): void {
    this.outage = null;
    this.options.logger.info({ outageMs: Math.round(outageMs) }, 'the archive takes measures again');
    this.resume(this.concurrency);
  }

  private resume(jobs: number): void {
    this.worker.jobLimit = jobs;
    if (this.stopping === null) void this.worker.resume().catch((cause: unknown) => this.complain(cause));
  }

  private complain(error: unknown): void {
    if (this.stopping === null)
      this.options.logger.warn({ err: error }, 'trouble with the queue of measures');
  }
}

/** The batch of a job, or what is wrong with it. */
function readBatch(data: unknown): MeasuresBatch | { error: string } {
  if (data instanceof UnreadableData) return { error: 'job data: no JSON' };
  const payload = parseMeasuresPayload(data);
  if ('error' in payload) return payload;
  const parts = decodeBatch(payload.measures);
  return parts === null ? { error: 'job data.measures: no points' } : { id: payload.batch, parts };
}
