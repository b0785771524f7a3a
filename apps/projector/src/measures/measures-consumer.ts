import { decodeBatch, type MeasuresBatch, type MeasuresWriter } from '@quipu/archive';
import { MEASURES_QUEUE, parseMeasuresPayload, QUEUE_PREFIX } from '@quipu/contracts';
import type { Logger } from '@quipu/platform';
import type { Job } from 'bullmq';
import type { GroupLimits } from '../ingest/group-commit.js';
import type { JobAnswer } from '../ingest/ingest-worker.js';
import { QueueConsumer } from '../ingest/queue-consumer.js';
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

/**
 * Takes measures from the queue into the series of their metrics.
 *
 * Taking up a job twice changes nothing: what had been committed is known by the batch's id.
 */
export class MeasuresConsumer extends QueueConsumer<MeasuresBatch> {
  protected readonly counters = noMeasures();

  /** Connects to nothing yet. */
  constructor(private readonly options: MeasuresConsumerOptions) {
    super({
      ...{ redisUrl: options.redisUrl, logger: options.logger },
      queue: { name: MEASURES_QUEUE, prefix: QUEUE_PREFIX },
      names: { brings: 'measures', store: 'archive', client: 'quipu-measures' },
      ...{ concurrency: options.concurrency ?? 200, maxBytes: MAX_BYTES },
      ...{ lockMs: options.lockMs, onCompleted: options.onCompleted },
      group: { ...GROUP, ...options.group },
    });
  }

  /** What was done so far. */
  get counts(): Readonly<MeasuresCounters> {
    return this.counters;
  }

  protected begin(): void {
    this.options.upkeep.start(this.queue, this.redis);
  }

  protected end(): Promise<void> {
    return this.options.upkeep.stop();
  }

  protected probe(): Promise<void> {
    return this.options.upkeep.probe();
  }

  protected async handle(job: Job<unknown, JobAnswer>, bytes: number): Promise<undefined> {
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
    await this.durable(job, batch, { events, bytes });
  }

  protected async commit(batches: readonly MeasuresBatch[]): Promise<void> {
    const written = await this.options.writer.apply(batches);
    const { counters } = this;
    counters.commits += 1;
    counters.duplicates += written.duplicates;
    counters.taken += written.taken;
    counters.late += written.late;
    counters.orphaned += written.orphaned;
    counters.deferred += written.deferred;
    counters.dropped += written.dropped;
    counters.failed += written.failed.length;
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
