import { forgetBatches, type MeasuresWriter, oldBatches, openBatches, sweepPending } from '@quipu/archive';
import { type Clock, errorMessage, type Logger } from '@quipu/platform';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';

/** What {@link MeasuresUpkeep} needs. */
export interface MeasuresUpkeepOptions {
  pool: Pool;
  writer: Pick<MeasuresWriter, 'takeUpPending'>;
  clock: Clock;
  logger: Logger;
  /** How often (ms) what was put aside is looked at; default a second. */
  pendingMs?: number;
  /** How often (ms) failed jobs and old batches are looked at; default a minute. */
  sweepMs?: number;
}

/**
 * How long a batch's identity is kept after its commit. A job can come again as long as Redis has it; once it is
 * acknowledged it is gone there in the same step, so only a Redis that comes back as it was some time ago brings it
 * again: a day covers its snapshots and a night.
 */
const BATCHES_KEPT_MS = 86_400_000;
const BATCHES_A_TIME = 10_000;
/** A metric of which a pass failed is left alone for this long. */
const REST_MS = 60_000;

/**
 * What the consumer of measures does besides: it processes what was put aside, puts failed jobs back, and forgets
 * batches that cannot come again: those that are old, and that Redis does not hold any more.
 */
export class MeasuresUpkeep {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly resting = new Map<string, number>();
  private stopped = false;
  private underWay: Promise<void> = Promise.resolve();

  constructor(private readonly options: MeasuresUpkeepOptions) {}

  /** Begins to look regularly. */
  start(queue: Queue, redis: Redis): void {
    const every = (ms: number, work: () => Promise<void>): void => {
      let waits = false;
      const timer = setInterval(() => {
        // While the archive hangs, one look waits for the end of it, not one for every second.
        if (waits) return;
        waits = true;
        this.run(() => {
          waits = false;
          return work();
        });
      }, ms);
      timer.unref();
      this.timers.push(timer);
    };
    every(this.options.pendingMs ?? 1_000, () => this.takeUpPending());
    every(this.options.sweepMs ?? 60_000, () => this.sweep(queue, redis));
    this.run(() => this.sweep(queue, redis));
  }

  /** Looks no more; resolves when what is under way has ended. */
  stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.timers) clearInterval(timer);
    return this.underWay;
  }

  /** Resolves if the archive answers. */
  async probe(): Promise<void> {
    await this.options.pool.query('SELECT 1 FROM archive_batches LIMIT 1');
  }

  /** One thing at a time. */
  private run(work: () => Promise<void>): void {
    this.underWay = this.underWay.then(async () => {
      if (this.stopped) return;
      await work().catch((error: unknown) => {
        // The consumer tells of outages; the next look finds what is left.
        this.options.logger.debug({ reason: errorMessage(error) }, 'upkeep of measures has to wait');
      });
    });
  }

  private async takeUpPending(): Promise<void> {
    const now = this.options.clock.now();
    for (const [id, since] of this.resting) if (now - since > REST_MS) this.resting.delete(id);
    const { failed } = await this.options.writer.takeUpPending(new Set(this.resting.keys()));
    for (const id of failed) this.resting.set(id, now);
  }

  private async sweep(queue: Queue, redis: Redis): Promise<void> {
    const failed = await queue.getFailedCount();
    if (failed > 0) {
      await queue.retryJobs({ state: 'failed', count: 1_000 });
      this.options.logger.warn({ failed }, 'failed jobs with measures were put back into the queue');
    }
    const { pool, clock } = this.options;
    await sweepPending(pool);
    for (let more = true; more && !this.stopped;) {
      const old = await oldBatches(pool, clock.now() - BATCHES_KEPT_MS, BATCHES_A_TIME);
      const open = new Set(await openBatches(redis, old));
      const gone = old.filter((id) => !open.has(id));
      await forgetBatches(pool, gone);
      more = old.length === BATCHES_A_TIME && gone.length > 0;
    }
  }
}
