import { LIFECYCLE_QUEUE, MAX_EVENTS_PER_JOB, toCloudEvent } from '@quipu/contracts';
import type { Logger } from '@quipu/platform';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { JobsOptions } from 'bullmq';
import { ProblemException } from '../answers/problem.exception.js';
import { QueueDoor } from '../intake/queue-door.js';
import type { AcceptedEvent } from './judge-events.js';

/** Events that travel in one job. */
export interface SentJob {
  readonly id: string;
  readonly events: readonly AcceptedEvent[];
}

/** What the queue tells of a job. */
export type JobState =
  | { readonly state: 'pending' }
  | { readonly state: 'gone' }
  | { readonly state: 'done'; readonly value: unknown };

/** Characters of one job, unless a single event has more: the ingest holds some megabytes of jobs at a time. */
const MAX_JOB_CHARACTERS = 1 << 20;
/** How long the queue is taken to be as long as it was, ms: the limit is a rough one. */
const LENGTH_HOLDS_MS = 100;
/** Seconds after which a caller that is put off may try again. */
const RETRY_AFTER = '5';
/** A job whose outcome is awaited stays for so long once it is done, in seconds, among so many. */
const KEPT: JobsOptions = { removeOnComplete: { age: 60, count: 1_000 } };

/**
 * The way into the queue. While Redis is away it says so at once: whoever reports keeps its events and sends them
 * again, and an event that arrived all the same is stored once.
 */
export class EventQueue implements OnApplicationShutdown {
  private readonly door: QueueDoor;
  private length = 0;
  private lookAgainAt = 0;

  constructor(
    redisUrl: string,
    private readonly maxLength: number,
    logger: Logger,
  ) {
    this.door = new QueueDoor({
      names: { queue: LIFECYCLE_QUEUE, takes: 'events', client: 'quipu-api-queue' },
      ...{ redisUrl, logger, refusal },
    });
  }

  /**
   * Refuses further events while the queue is too long.
   * @throws ProblemException 429, or 503 while Redis is away.
   */
  async checkLength(): Promise<void> {
    const now = performance.now();
    if (now >= this.lookAgainAt) {
      this.length = await this.door.ask((queue) =>
        queue.getJobCountByTypes('waiting', 'prioritized', 'delayed'),
      );
      this.lookAgainAt = now + LENGTH_HOLDS_MS;
    }
    if (this.length < this.maxLength) return;
    throw new ProblemException(429, 'The queue is full: events arrive faster than they are written down.', {
      hint: 'Keep the events and send them again later.',
      headers: { 'retry-after': RETRY_AFTER },
    });
  }

  /**
   * Puts events into the queue; done when Redis has acknowledged all of them. With `kept` the jobs' outcomes can be
   * read for a minute.
   * @throws ProblemException 503 while Redis is away; some of the events may be in the queue then.
   */
  async add(events: readonly AcceptedEvent[], kept: boolean): Promise<SentJob[]> {
    const groups = group(events);
    const jobs = groups.map((members) => ({
      name: 'events',
      // Their age was judged at this door; waiting in the queue must not make them too old.
      data: { events: members.map(({ event }) => toCloudEvent(event)), import: true },
      ...(kept ? { opts: KEPT } : {}),
    }));
    const added = await this.door.ask((queue) => queue.addBulk(jobs));
    return groups.map((members, i) => ({ id: added[i]!.id!, events: members }));
  }

  /**
   * What became of jobs added with `kept`; `gone` if Redis knows them no more.
   * @throws ProblemException 503 while Redis is away.
   */
  async states(ids: readonly string[]): Promise<JobState[]> {
    const replies = await this.door.ask((queue) =>
      Promise.all(
        ids.map((id) => this.door.redis.hmget(queue.toKey(id), 'timestamp', 'finishedOn', 'returnvalue')),
      ),
    );
    return replies.map(([added, finished, value]) => {
      if (added === null || added === undefined) return { state: 'gone' };
      if (finished === null || finished === undefined) return { state: 'pending' };
      return {
        state: 'done',
        value: value === null || value === undefined ? null : (JSON.parse(value) as unknown),
      };
    });
  }

  /** Forgets jobs that are done; a failure only leaves them for their minute. */
  forget(ids: readonly string[]): void {
    void this.door.ask((queue) => Promise.all(ids.map((id) => queue.remove(id)))).catch(() => undefined);
  }

  /** Disconnects. */
  onApplicationShutdown(): Promise<void> {
    this.door.close();
    return Promise.resolve();
  }
}

/** What is told while the queue does not answer. */
function refusal(): ProblemException {
  return new ProblemException(503, 'The queue does not answer.', {
    hint: 'Keep the events and send them again: those that arrived are stored once.',
    headers: { 'retry-after': RETRY_AFTER },
  });
}

/** Cuts events into jobs. */
function group(events: readonly AcceptedEvent[]): AcceptedEvent[][] {
  const groups: AcceptedEvent[][] = [];
  let last: AcceptedEvent[] = [];
  let size = 0;
  for (const event of events) {
    const full = last.length === MAX_EVENTS_PER_JOB || size + event.size > MAX_JOB_CHARACTERS;
    if (groups.length === 0 || full) {
      last = [];
      size = 0;
      groups.push(last);
    }
    last.push(event);
    size += event.size;
  }
  return groups;
}
