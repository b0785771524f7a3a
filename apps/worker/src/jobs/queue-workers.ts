import { createRedis, type Logger } from '@quipu/platform';
import { instrument, type JobView, type Reporter } from '@quipu/reporter';
import { type Job, Worker } from 'bullmq';
import type { WorkerConfig } from '../worker-config.js';

/** What is done with a job; `lost` is aborted when another worker has it. */
export type Processor = (job: Job, token: string, lost?: AbortSignal) => Promise<unknown>;

/** So often a job may lose its worker before it fails for good. */
const MOST_STALLS = 5;

/** One instrumented BullMQ worker per queue. */
export class QueueWorkers {
  private readonly redis;
  private readonly workers: Worker[] = [];

  constructor(
    private readonly config: WorkerConfig,
    private readonly reporter: Reporter,
    private readonly logger: Logger,
  ) {
    this.redis = createRedis(config.jobsRedisUrl, 'consumer', 'quipu-worker');
  }

  /** Begins to take jobs. */
  start(process: Processor): void {
    for (const queue of this.config.queues) this.workers.push(this.open(queue, process));
  }

  /** Takes no more jobs, waits for those at hand, and says goodbye. */
  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }

  /** Disconnects. */
  close(): void {
    this.redis.disconnect();
  }

  private open(queue: string, process: Processor): Worker {
    const { config, reporter, logger } = this;
    const { lockMs } = config;
    const name = config.name === undefined ? {} : { name: `${config.name}/${queue}` };
    // BullMQ hands out its signal to processors that declare it.
    const worker = new Worker(queue, (job, token, lost) => process(job, token ?? '', lost), {
      ...{ connection: this.redis, prefix: config.jobsPrefix, concurrency: config.concurrency, ...name },
      ...{ lockDuration: lockMs, stalledInterval: lockMs, maxStalledCount: MOST_STALLS },
    });
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) worker.cancelJob(id, 'another worker has the job');
    });
    worker.on('failed', (job, error) => {
      logger.info({ queue, job: job?.id, task: job?.name, reason: error.message }, 'a job failed');
    });
    worker.on('error', (error) => logger.warn({ queue, reason: error.message }, 'the queue is not well'));
    return instrument(worker, {
      reporter,
      tenant: config.tenant,
      user: ({ data }: JobView) => told(data, 'user', 'string'),
      nodes: ({ data }: JobView) => told(data, 'nodes', 'number') ?? config.nodes,
      taskType: config.type,
      ...(config.pool === undefined ? {} : { cluster: config.pool }),
      // The program ends on signals itself, and closes its workers then.
      signals: false,
      worker: this.description(name.name),
      onError: (error) => logger.warn({ reason: error.message }, 'reporting does not go well'),
    });
  }

  private description(id: string | undefined) {
    const { tenant, type, pool, host, architectures } = this.config;
    return {
      ...{ tenant, type },
      ...(id === undefined ? {} : { id }),
      ...(pool === undefined ? {} : { pool }),
      ...(host === undefined ? {} : { host }),
      ...(architectures === undefined ? {} : { architectures }),
    };
  }
}

/** A field of a job's data, if it is of that type: data is whatever somebody put into the queue. */
function told(data: unknown, field: string, type: 'string'): string | undefined;
function told(data: unknown, field: string, type: 'number'): number | undefined;
function told(data: unknown, field: string, type: string): unknown {
  const value: unknown =
    typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[field] : undefined;
  return typeof value === type ? value : undefined;
}
