import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { MeasuresWriter } from './measures-writer.js';
import { countOpenJobs, openJobs, stillThere } from './open-jobs.js';

/** More open jobs than this are a backlog that is not waited for job by job. */
const MOST_JOBS = 5_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;
const PATIENCE_MS = 10_000;

/** Makes what was posted readable now, for readers that will not wait. */
export class ArchiveRefresher {
  constructor(
    private readonly writer: MeasuresWriter,
    private readonly redis: Redis,
  ) {}

  /**
   * Waits until everything that is in the queue now has been taken out of it, then processes what is put aside for
   * some metrics, under their locks.
   * @returns `locked` if that takes too long: the consumer is behind or away, or somebody holds a metric.
   */
  async refresh(
    metricIds: readonly string[],
    { timeoutMs = PATIENCE_MS }: { timeoutMs?: number } = {},
  ): Promise<'done' | 'locked'> {
    const deadline = performance.now() + timeoutMs;
    if (!(await this.drained(deadline))) return 'locked';
    return this.writer.processPending(metricIds, Math.max(1, deadline - performance.now()));
  }

  private async drained(deadline: number): Promise<boolean> {
    let pause = FIRST_PAUSE_MS;
    const wait = async (): Promise<boolean> => {
      if (performance.now() + pause > deadline) return false;
      await delay(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      return true;
    };
    while ((await countOpenJobs(this.redis)) > MOST_JOBS) if (!(await wait())) return false;
    let open = await openJobs(this.redis, MOST_JOBS);
    for (open = await stillThere(this.redis, open); open.length > 0;) {
      if (!(await wait())) return false;
      open = await stillThere(this.redis, open);
    }
    return true;
  }
}
