import type { Redis } from 'ioredis';
import type { MeasuresWriter } from './measures-writer.js';
import { QueueWatch } from './queue-watch.js';

const PATIENCE_MS = 10_000;

/** Makes what was posted readable now, for readers that will not wait. */
export class ArchiveRefresher {
  private readonly queue: QueueWatch;

  constructor(
    private readonly writer: MeasuresWriter,
    redis: Redis,
  ) {
    this.queue = new QueueWatch(redis);
  }

  /**
   * Waits until what is in the queue now for some metrics has been taken out of it, then processes what is put aside for
   * them, under their locks.
   * @returns `locked` if that takes too long (the consumer is behind or away, or somebody holds a metric), or too many
   * wait already.
   * @throws StoreUnavailableError if Redis does not answer.
   */
  async refresh(
    metricIds: readonly string[],
    { timeoutMs = PATIENCE_MS }: { timeoutMs?: number } = {},
  ): Promise<'done' | 'locked'> {
    const deadline = performance.now() + timeoutMs;
    if (!(await this.queue.drained(metricIds, timeoutMs))) return 'locked';
    return this.writer.processPending(metricIds, Math.max(1, deadline - performance.now()));
  }
}
