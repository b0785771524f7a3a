import { hostname } from 'node:os';
import { MAX_EVENTS_PER_JOB } from '@quipu/contracts';
import type { ReporterConnection } from './connection.js';
import { EventBuffer } from './event-buffer.js';
import { EventEncoder } from './event-encoder.js';
import type { ReportedEvent } from './event.js';
import { QueueSender, type Sender } from './queue-sender.js';

/** How a reporter works. */
export interface ReporterOptions {
  /** Where the queue of events is. A connection that is given is not used itself: the reporter makes one like it. */
  readonly connection: ReporterConnection;
  /** Who reports, as events name it; `@quipu/reporter/<host name>` if absent. */
  readonly source?: string;
  /** Whose events they are where they do not say. */
  readonly tenant?: string;
  /** Most events in memory; 100,000 if absent. */
  readonly maxEvents?: number;
  /** Most UTF-16 code units of JSON in memory; 64 Mi if absent. */
  readonly maxCharacters?: number;
  /** How long an event may wait for others to travel with, ms; 200 if absent. */
  readonly flushMs?: number;
  /** Told of events that cannot be encoded, and of the first failure each time the queue goes away. */
  readonly onError?: (error: Error) => void;
}

/** What a reporter has done so far. */
export interface ReporterStats {
  /** Events that the queue has acknowledged. */
  readonly sent: number;
  /** Events in memory. */
  readonly buffered: number;
  /** Events that found no room. */
  readonly dropped: number;
  /** Events that could not be encoded. */
  readonly refused: number;
}

/** How long to wait. */
export interface Deadline {
  /** ms */
  readonly deadlineMs?: number;
}

const DEFAULT_FLUSH_MS = 200;
/** Characters of one job, unless a single event has more: the other end holds some megabytes of jobs at a time. */
const MAX_JOB_CHARACTERS = 1 << 20;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
const DEFAULT_DEADLINE_MS = 5_000;

interface Waiter {
  readonly target: number;
  readonly done: () => void;
}

/**
 * Brings events into the queue without ever standing in the way of the program that reports them: it neither throws
 * nor waits, keeps events in memory while the queue is away, and says afterwards how many found no room.
 */
export class Reporter {
  private readonly encoder: EventEncoder;
  private readonly buffer: EventBuffer;
  private readonly flushMs: number;
  private timer: NodeJS.Timeout | undefined;
  private sending = false;
  /** Whether to send what is there without waiting for a full job. */
  private due = false;
  private closed = false;
  /** Closed, and its deadline has passed. */
  private ended = false;
  private failing = false;
  private wake: (() => void) | undefined;
  private waiters: Waiter[] = [];
  private accepted = 0;
  private sent = 0;
  private dropped = 0;
  private refused = 0;

  /** @param sender the way into the queue; made from the connection if absent. */
  constructor(
    private readonly options: ReporterOptions,
    private readonly sender: Sender = new QueueSender(options.connection),
  ) {
    const { source = `@quipu/reporter/${hostname()}`, tenant } = options;
    this.encoder = new EventEncoder(source, tenant);
    this.flushMs = options.flushMs ?? DEFAULT_FLUSH_MS;
    this.buffer = new EventBuffer({
      maxEvents: options.maxEvents ?? 100_000,
      maxCharacters: options.maxCharacters ?? 64 << 20,
    });
  }

  /**
   * Reports an event as of now. Never throws and never waits.
   *
   * @returns whether the event is on its way; false if it is not one, found no room, or the reporter is closed.
   */
  report(event: ReportedEvent): boolean {
    try {
      if (this.closed) throw new Error('the reporter is closed');
      const encoded = this.encoder.encode(event, Date.now());
      if (!this.buffer.push(encoded)) {
        this.dropped += 1;
        return false;
      }
      this.accepted += 1;
      this.schedule();
      return true;
    } catch (error) {
      this.refused += 1;
      this.tell(error);
      return false;
    }
  }

  /** Counts of events since the reporter was made. */
  stats(): ReporterStats {
    const { sent, dropped, refused } = this;
    return { sent, buffered: this.buffer.size, dropped, refused };
  }

  /**
   * Waits until the queue has what was reported before the call, but not for longer than the deadline.
   *
   * @returns how many of these events the queue has not acknowledged: 0, unless the deadline passed.
   */
  async flush({ deadlineMs = DEFAULT_DEADLINE_MS }: Deadline = {}): Promise<number> {
    const target = this.accepted;
    if (this.sent >= target) return 0;
    this.due = true;
    this.pump();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.waiters = this.waiters.filter((other) => other !== waiter);
        resolve();
      }, deadlineMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      const waiter: Waiter = { target, done };
      this.waiters.push(waiter);
    });
    return Math.max(0, target - this.sent);
  }

  /**
   * Flushes, then disconnects. What is reported afterwards is refused.
   *
   * @returns how many events are lost: 0, unless the deadline passed.
   */
  async close({ deadlineMs = DEFAULT_DEADLINE_MS }: Deadline = {}): Promise<number> {
    this.closed = true;
    const endMs = performance.now() + deadlineMs;
    let left = await this.flush({ deadlineMs });
    // What found no room is told once the rest got through.
    if (left === 0) left = await this.flush({ deadlineMs: Math.max(0, endMs - performance.now()) });
    clearTimeout(this.timer);
    this.ended = true;
    this.wake?.();
    this.sender.close();
    return left;
  }

  private schedule(): void {
    if (this.sending) return;
    if (this.buffer.size >= MAX_EVENTS_PER_JOB) this.pump();
    else this.timer ??= setTimeout(() => this.pumpAll(), this.flushMs);
  }

  private pumpAll(): void {
    this.due = true;
    this.pump();
  }

  private pump(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.sending) return;
    this.sending = true;
    void this.drain()
      .catch((error: unknown) => this.tell(error))
      .finally(() => {
        this.sending = false;
        if (this.buffer.size > 0 && !this.ended) this.schedule();
      });
  }

  /** Sends job after job, one at a time so that events keep their order, until what is left can wait for more. */
  private async drain(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.ended && this.buffer.size > 0 && (this.due || this.buffer.size >= MAX_EVENTS_PER_JOB)) {
      const batch = this.buffer.peek(MAX_EVENTS_PER_JOB, MAX_JOB_CHARACTERS);
      if (batch.length === this.buffer.size) this.due = false;
      try {
        await this.sender.send(batch);
      } catch (error) {
        this.due = true;
        if (!this.failing) this.tell(error);
        this.failing = true;
        if (this.ended) return;
        await this.pause(retryMs);
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS);
        continue;
      }
      this.failing = false;
      retryMs = FIRST_RETRY_MS;
      this.acknowledge(batch.length);
    }
  }

  private acknowledge(count: number): void {
    this.buffer.shift(count);
    this.sent += count;
    this.reportLost();
    if (this.waiters.length === 0) return;
    const met = this.waiters.filter(({ target }) => target <= this.sent);
    this.waiters = this.waiters.filter(({ target }) => target > this.sent);
    for (const { done } of met) done();
  }

  /** The queue is back: now it can be told what found no room while it was away. */
  private reportLost(): void {
    for (const [tenant, { events, from, until }] of this.buffer.takeLost()) {
      const data = { events, from: new Date(from).toISOString(), until: new Date(until).toISOString() };
      const subject = `reporter/${hostname()}/${process.pid}`;
      const event = this.encoder.encode({ type: 'reporter.dropped', tenant, subject, data }, Date.now());
      this.buffer.force(event.json);
      this.accepted += 1;
    }
  }

  /** Waits, but not past the end of the reporter. */
  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private tell(error: unknown): void {
    try {
      this.options.onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch {
      // A handler that throws must not reach the program's job either.
    }
  }
}

/** Makes a reporter. */
export function createReporter(options: ReporterOptions): Reporter {
  return new Reporter(options);
}
