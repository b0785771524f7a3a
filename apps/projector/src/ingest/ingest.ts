import type { TenantDirectory } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import type { EventLog, NewDeadLetter } from '@quipu/event-log';
import { type Clock, createRedis, errorMessage, type IoSteps, type Logger, noIoSteps } from '@quipu/platform';
import { type Job, Queue, WaitingError } from 'bullmq';
import type { Redis } from 'ioredis';
import { type IngestCounters, noCounts } from './counters.js';
import { GroupCommit, type GroupLimits } from './group-commit.js';
import { IngestWorker, type JobAnswer } from './ingest-worker.js';
import { bytesOf, type IncomingEvent, type JobContents, outcomesOf, readJob } from './read-job.js';
import { evictionWarning } from './redis-policy.js';

/** What an {@link Ingest} needs. */
export interface IngestOptions {
  redisUrl: string;
  log: EventLog;
  tenants: Pick<TenantDirectory, 'ensure'>;
  tenantMode: 'auto' | 'strict';
  maxEventAgeDays: number;
  clock: Clock;
  logger: Logger;
  io?: IoSteps;
  /** Most jobs in flight; default 500. */
  concurrency?: number;
  /** Most bytes of job data in flight; parsed and encoded they take some fifty times as much. Default 2 MiB. */
  maxBytesInFlight?: number;
  /** How long (ms) Redis takes a job to be in good hands without hearing of it; default 5 s. */
  lockMs?: number;
  /** How often (ms) failed jobs are swept; default a minute. */
  sweepMs?: number;
  group?: Partial<GroupLimits>;
  /** For measurements beside the real queue. */
  queue?: { name: string; prefix: string };
  /** Called after each acknowledgement. */
  onCompleted?: () => void;
}

/** What an ingest is doing, for health and status. */
export interface IngestState {
  /** Whether the log takes events; if not, jobs stay in the queue. */
  flowing: boolean;
  /** Why not, or what is wrong with Redis. */
  warnings: string[];
  counters: IngestCounters;
}

const DAY_MS = 86_400_000;
/** Shorter than what a supervisor waits for the whole process. */
const STOP_MS = 5_000;

/**
 * Takes events from the queue into the log.
 *
 * A job is acknowledged only after the commit of all it brought, and is never failed: what is wrong with it
 * becomes dead letters, and while the log is away it waits here, then goes back into the queue (which uses
 * no attempt). Killed at any moment, it leaves jobs that are active without a lock; another consumer, or
 * the next start, takes them up again after at most three `lockMs`. Taking up a job twice changes nothing.
 */
export class Ingest {
  private readonly counters = noCounts();
  private readonly redis: Redis;
  private readonly queue: Queue;
  private readonly worker: IngestWorker;
  private readonly group: GroupCommit<JobContents>;
  private readonly concurrency: number;
  private outage: string | null = null;
  private policy: string | null = null;
  private sweeper: NodeJS.Timeout | null = null;
  private stopping: Promise<void> | null = null;

  constructor(private readonly options: IngestOptions) {
    const { name, prefix } = options.queue ?? { name: LIFECYCLE_QUEUE, prefix: QUEUE_PREFIX };
    const lockMs = options.lockMs ?? 5_000;
    this.concurrency = options.concurrency ?? 500;
    this.redis = createRedis(options.redisUrl, 'consumer', 'quipu-ingest');
    this.queue = new Queue(name, { connection: this.redis, prefix });
    this.queue.on('error', (error) => this.complain(error));
    this.worker = new IngestWorker(
      name,
      (job, bytes) => this.handle(job, bytes),
      {
        connection: this.redis,
        prefix,
        concurrency: this.concurrency,
        lockDuration: lockMs,
        stalledInterval: Math.ceil(lockMs / 2),
        // A consumer killed twice with a job in hand must not cost that job; the default of 1 fails it.
        maxStalledCount: 1_000_000_000,
        removeOnComplete: { count: 0 },
        // Its default of 15 s would leave the queue alone long after Redis is back.
        runRetryDelay: 1_000,
      },
      options.maxBytesInFlight ?? 2 << 20,
    );
    this.worker.on('error', (error) => this.complain(error));
    this.worker.on('failed', (job, error) =>
      options.logger.error({ jobId: job?.id, err: error }, 'job failed; it will be swept back'),
    );
    if (options.onCompleted) this.worker.on('completed', options.onCompleted);
    this.group = new GroupCommit<JobContents>(
      {
        commit: (jobs) => this.commit(jobs),
        probe: async () => void (await options.log.head()),
        onOutage: (error) => this.onOutage(error),
        onTrial: () => this.onTrial(),
        onRecovery: (ms) => this.onRecovery(ms),
      },
      options.group,
    );
  }

  /** Starts taking jobs. Returns at once; while Redis is away it waits for it. */
  start(): void {
    this.worker.run().catch((error: unknown) => this.complain(error));
    const sweep = () => void this.sweep().catch((error: unknown) => this.complain(error));
    this.sweeper = setInterval(sweep, this.options.sweepMs ?? 60_000);
    this.sweeper.unref();
    sweep();
  }

  /** Takes no more jobs, finishes the commit under way, gives back what cannot be committed, and disconnects. */
  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  /** What the ingest is doing. */
  state(): IngestState {
    const warnings = [this.outage, this.policy].filter((warning) => warning !== null);
    return { flowing: this.outage === null, warnings, counters: { ...this.counters } };
  }

  private async shutDown(): Promise<void> {
    if (this.sweeper !== null) clearInterval(this.sweeper);
    const stopped = this.group.stop();
    const closed = this.worker.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), STOP_MS)));
    // With Redis away the jobs in hand cannot be given back; their locks run out by themselves.
    if ((await Promise.race([Promise.all([stopped, closed]), late])) === 'late') {
      this.options.logger.warn('Redis does not answer; jobs in hand are left to their locks');
      await this.worker.abandon();
    }
    await Promise.race([this.queue.close().catch(() => undefined), late]);
    clearTimeout(timer);
    this.redis.disconnect();
    this.options.logger.info({ ...this.counters }, 'ingest stopped');
  }

  private async handle(job: Job<unknown, JobAnswer>, bytes: number): Promise<JobAnswer> {
    const contents = readJob(job.id ?? '', job.data, {
      nowMs: this.options.clock.now(),
      maxAgeMs: this.options.maxEventAgeDays * DAY_MS,
    });
    const events = contents.events.length + contents.letters.length;
    if ((await this.group.add(contents, { events, bytes })) === 'committed') {
      this.counters.jobs += 1;
      // Nobody reads the answer of a job that is gone once it is done.
      return typeof job.opts.removeOnComplete === 'object' ? outcomesOf(contents) : undefined;
    }
    this.counters.returned += 1;
    await job.moveToWait(job.token).catch((error: unknown) => this.complain(error));
    throw new WaitingError();
  }

  private async commit(jobs: readonly JobContents[]): Promise<void> {
    const { log, tenants, tenantMode, io = noIoSteps } = this.options;
    const incoming = jobs.flatMap(({ events }) => events);
    const letters = jobs.flatMap((job) => job.letters);
    await io.step('ingest.tenants:before');
    const { refused } = await tenants.ensure(new Set(incoming.map(({ event }) => event.tenant)), tenantMode);
    await io.step('ingest.tenants:after');
    const accepted = refused.size === 0 ? incoming : refuse(incoming, refused, letters);
    const result = await log.append({ events: accepted.map(({ event }) => event), deadLetters: letters });
    for (const [i, incoming] of accepted.entries()) incoming.outcome = result.outcomes[i] ?? 'refused';
    this.counters.commits += 1;
    this.counters.accepted += accepted.length;
    this.counters.appended += result.appended;
    this.counters.duplicates += result.duplicates;
    this.counters.conflicts += result.conflicts;
    this.counters.deadLetters += letters.length + result.conflicts + result.refused;
  }

  private onOutage(error: unknown): void {
    const message = errorMessage(error);
    if (this.outage === null) {
      this.counters.outages += 1;
      this.options.logger.error({ err: error }, 'the log takes no events; the queue keeps them');
    }
    this.outage = `The log takes no events: ${message}`;
    void this.worker.pause(true).catch((cause: unknown) => this.complain(cause));
  }

  /** No longer an outage: whether it goes on shows with the next job, and there may be none for hours. */
  private onTrial(): void {
    this.outage = null;
    this.resume(1);
  }

  private onRecovery(outageMs: number): void {
    this.outage = null;
    this.options.logger.info({ outageMs: Math.round(outageMs) }, 'the log takes events again');
    this.resume(this.concurrency);
  }

  private resume(jobs: number): void {
    this.worker.jobLimit = jobs;
    if (this.stopping === null) void this.worker.resume().catch((cause: unknown) => this.complain(cause));
  }

  /** Puts failed jobs back and looks at how Redis is set up. */
  private async sweep(): Promise<void> {
    const failed = await this.queue.getFailedCount();
    if (failed > 0) {
      await this.queue.retryJobs({ state: 'failed', count: 1_000 });
      this.counters.swept += failed;
      this.options.logger.warn({ failed }, 'failed jobs were put back into the queue');
    }
    const warning = await evictionWarning(this.redis);
    if (warning !== null && warning !== this.policy) this.options.logger.error(warning);
    this.policy = warning;
  }

  private complain(error: unknown): void {
    if (this.stopping === null) this.options.logger.warn({ err: error }, 'queue trouble');
  }
}

/** Moves the events of refused tenants to the letters and returns the others. */
function refuse(
  incoming: readonly IncomingEvent[],
  refused: ReadonlyMap<string, string>,
  letters: NewDeadLetter[],
): IncomingEvent[] {
  return incoming.filter(({ event, raw, jobId }) => {
    const detail = refused.get(event.tenant);
    if (detail === undefined) return true;
    letters.push({ raw: bytesOf(raw), reason: 'unknown-tenant', detail, tenant: event.tenant, jobId });
    return false;
  });
}
