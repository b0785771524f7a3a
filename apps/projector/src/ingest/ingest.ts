import type { TenantDirectory } from '@quipu/access';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import type { EventLog, NewDeadLetter } from '@quipu/event-log';
import { type Clock, type IoSteps, type Logger, noIoSteps } from '@quipu/platform';
import type { Job } from 'bullmq';
import { type IngestCounters, noCounts } from './counters.js';
import type { GroupLimits } from './group-commit.js';
import type { JobAnswer } from './ingest-worker.js';
import { QueueConsumer } from './queue-consumer.js';
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

/**
 * Takes events from the queue into the log.
 *
 * What is wrong with a job becomes dead letters. Taking up a job twice changes nothing: the log knows its events.
 */
export class Ingest extends QueueConsumer<JobContents> {
  protected readonly counters = noCounts();
  private policy: string | null = null;
  private sweeper: NodeJS.Timeout | null = null;

  /** Connects to nothing yet. */
  constructor(private readonly options: IngestOptions) {
    super({
      ...{ redisUrl: options.redisUrl, logger: options.logger },
      queue: options.queue ?? { name: LIFECYCLE_QUEUE, prefix: QUEUE_PREFIX },
      names: { brings: 'events', store: 'log', client: 'quipu-ingest' },
      concurrency: options.concurrency ?? 500,
      maxBytes: options.maxBytesInFlight ?? 2 << 20,
      ...{ lockMs: options.lockMs, group: options.group, onCompleted: options.onCompleted },
    });
  }

  /** What the ingest is doing. */
  state(): IngestState {
    const warnings = [this.trouble, this.policy].filter((warning) => warning !== null);
    return { flowing: this.trouble === null, warnings, counters: { ...this.counters } };
  }

  protected begin(): void {
    const sweep = () => void this.sweep().catch((error: unknown) => this.complain(error));
    this.sweeper = setInterval(sweep, this.options.sweepMs ?? 60_000);
    this.sweeper.unref();
    sweep();
  }

  protected end(): Promise<void> {
    if (this.sweeper !== null) clearInterval(this.sweeper);
    return Promise.resolve();
  }

  protected async probe(): Promise<void> {
    await this.options.log.head();
  }

  protected async handle(job: Job<unknown, JobAnswer>, bytes: number): Promise<JobAnswer> {
    const contents = readJob(job.id ?? '', job.data, {
      nowMs: this.options.clock.now(),
      maxAgeMs: this.options.maxEventAgeDays * DAY_MS,
    });
    const events = contents.events.length + contents.letters.length;
    await this.durable(job, contents, { events, bytes });
    // Nobody reads the answer of a job that is gone once it is done.
    return typeof job.opts.removeOnComplete === 'object' ? outcomesOf(contents) : undefined;
  }

  protected async commit(jobs: readonly JobContents[]): Promise<void> {
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
