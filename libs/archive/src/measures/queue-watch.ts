import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { askRedis } from './ask-redis.js';
import { haveAny, printOf } from './metric-prints.js';
import { countOpenJobs, openJobs, printsOfJobs, stillThere } from './open-jobs.js';

/** More open jobs than this are a backlog that is not looked through job by job. */
const MOST_JOBS = 20_000;
/** Most who wait at a time. */
const MOST_WAITERS = 1_000;
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 20;
/** How much longer the pause is for each job in the queue. */
const PAUSE_MS_PER_JOB = 0.005;

/** Somebody who waits until what is in the queue for some metrics has been taken out of it. */
interface Waiter {
  readonly prints: ReadonlySet<number>;
  /** Jobs with measures of these metrics, the last one first; null: not looked for yet. */
  open: readonly string[] | null;
  end(drained: boolean): void;
  fail(error: unknown): void;
}

/**
 * Tells when what the queue of measures held for some metrics has been taken out of it. All who wait in this process
 * share one look at the queue, and for each of them only the last job is asked for, since jobs are taken in their order:
 * for Redis, a thousand who wait are hardly more work than one.
 */
export class QueueWatch {
  private readonly waiters = new Set<Waiter>();
  /** Prints of the jobs that were in the queue at the last look; null: of a job that carries none. */
  private known: ReadonlyMap<string, Buffer | null> = new Map();
  private looking = false;

  /** @param mostWaiters most who wait at a time; whoever comes then does not. */
  constructor(
    private readonly redis: Redis,
    private readonly mostWaiters = MOST_WAITERS,
  ) {}

  /**
   * Waits until the jobs that are in the queue now with measures of some metrics are gone.
   * @returns false: they are not after so many ms, or too many wait.
   * @throws StoreUnavailableError if Redis does not answer.
   */
  drained(metricIds: readonly string[], timeoutMs: number): Promise<boolean> {
    if (this.waiters.size >= this.mostWaiters) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        prints: new Set(metricIds.map(printOf)),
        open: null,
        end: (drained) => {
          leave();
          resolve(drained);
        },
        fail: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const timer = setTimeout(() => waiter.end(false), timeoutMs);
      this.waiters.add(waiter);
      if (!this.looking) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.looking = true;
    let pause = FIRST_PAUSE_MS;
    while (this.waiters.size > 0) {
      // Whoever comes during a look may be later than what it saw.
      const present = [...this.waiters];
      try {
        await askRedis(() => this.look(present));
      } catch (error) {
        for (const waiter of present) waiter.fail(error);
      }
      if (this.waiters.size === 0) break;
      if (present.length < this.waiters.size) pause = FIRST_PAUSE_MS;
      await delay(pause + this.known.size * PAUSE_MS_PER_JOB);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
    this.known = new Map();
    this.looking = false;
  }

  private async look(present: readonly Waiter[]): Promise<void> {
    const come = present.filter(({ open }) => open === null);
    if (come.length > 0 && (await countOpenJobs(this.redis)) <= MOST_JOBS) await this.findJobs(come);
    const waiting = present.filter(({ open }) => open !== null);
    const last = await this.left(waiting.map(({ open }) => open!.slice(0, 1)));
    const done = waiting.filter(({ open }) => open!.length === 0 || !last.has(open![0]!));
    const others = await this.left(done.map(({ open }) => open!.slice(1)));
    for (const waiter of done) {
      waiter.open = waiter.open!.slice(1).filter((id) => others.has(id));
      if (waiter.open.length === 0) waiter.end(true);
    }
  }

  /** Finds the jobs that some wait for. */
  private async findJobs(waiters: readonly Waiter[]): Promise<void> {
    const ids = await openJobs(this.redis, MOST_JOBS);
    const told = await printsOfJobs(
      this.redis,
      ids.filter((id) => !this.known.has(id)),
    );
    const known = new Map<string, Buffer | null>();
    for (const id of ids) {
      const prints = this.known.has(id) ? this.known.get(id) : told.get(id);
      // What is not told of is gone meanwhile.
      if (prints !== undefined) known.set(id, prints);
    }
    this.known = known;
    for (const waiter of waiters) {
      waiter.open = [...known]
        .filter(([, prints]) => prints === null || haveAny(prints, waiter.prints))
        .map(([id]) => id);
    }
  }

  /** Those of some jobs that are still there. */
  private async left(lists: readonly (readonly string[])[]): Promise<ReadonlySet<string>> {
    const ids = [...new Set(lists.flat())];
    return new Set(ids.length === 0 ? [] : await stillThere(this.redis, ids));
  }
}
