import { setTimeout as sleep } from 'node:timers/promises';
import { parseEvent } from '@quipu/contracts';
import * as bullmq6 from 'bullmq';
import type { FlowProducer, Job, Processor, Queue, QueueOptions, Worker, WorkerOptions } from 'bullmq';
import * as bullmq5 from 'bullmq5';
import { instrument, type InstrumentOptions, Reporter } from '@quipu/reporter';

/** The versions of BullMQ that are tried; the older one is spoken to in the newer one's words. */
export const BULLMQ = [
  ['BullMQ 6', bullmq6],
  ['BullMQ 5', bullmq5 as unknown as typeof bullmq6],
] as const;

/** Longer than a sandbox takes to start on a machine that has much else to do. */
const PATIENCE_MS = 40_000;
const MOST_ATTEMPTS = 1_000;

/** An event as it was sent. */
export interface Sent {
  readonly id: string;
  readonly type: string;
  readonly tenant: string;
  readonly subject: string;
  readonly time: string;
  readonly data: Record<string, unknown>;
}

/** Queues and workers of one version over a Redis database, and the events they report. */
export class BullRig {
  readonly events: Sent[] = [];
  readonly errors: string[] = [];
  readonly reporter: Reporter;
  private readonly open: { close(): Promise<unknown> }[] = [];
  private serial = 0;

  constructor(
    readonly bull: typeof bullmq6,
    redisUrl: string,
  ) {
    const url = new URL(redisUrl);
    this.connection = {
      host: url.hostname,
      port: Number(url.port),
      db: Number(url.pathname.slice(1)),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    };
    const sender = {
      send: (events: readonly string[]) => {
        for (const json of events) this.events.push(JSON.parse(json) as Sent);
        return Promise.resolve();
      },
      close: () => undefined,
    };
    const onError = (error: Error) => void this.errors.push(error.message);
    this.reporter = new Reporter({ connection: '', source: 'rig', flushMs: 5, onError }, sender);
  }

  readonly connection: { host: string; port: number; db: number };

  /** A queue that nothing else uses. */
  name(): string {
    this.serial += 1;
    return `q${this.serial}`;
  }

  options(more: Partial<InstrumentOptions> = {}): InstrumentOptions {
    const onError = (error: Error) => void this.errors.push(error.message);
    return { tenant: 'acme', reporter: this.reporter, onError, worker: false, ...more };
  }

  plainQueue(name: string, opts: Partial<QueueOptions> = {}): Queue {
    return this.keep(new this.bull.Queue(name, { connection: this.connection, ...opts }));
  }

  queue(name: string, more: Partial<InstrumentOptions> = {}): Queue {
    return instrument(this.plainQueue(name), this.options(more));
  }

  worker(
    name: string,
    processor: Processor | URL | string,
    opts: Partial<WorkerOptions> = {},
    more: Partial<InstrumentOptions> = {},
  ): Worker {
    const worker = new this.bull.Worker(name, processor, { connection: this.connection, ...opts });
    worker.on('error', () => undefined);
    return this.keep(instrument(worker, this.options(more)));
  }

  flows(): FlowProducer {
    return this.keep(instrument(new this.bull.FlowProducer({ connection: this.connection }), this.options()));
  }

  /**
   * Events so far, all of which an ingest would take. Those about a subject, if one is named, by attempt, and that it
   * was queued first: a worker that is just looking for jobs may begin one before whoever added it hears that it is there.
   */
  of(subject?: string): Sent[] {
    for (const event of this.events) {
      const parsed = parseEvent(event, { nowMs: Date.now(), maxAgeMs: 86_400_000, backfill: false });
      if (!parsed.ok) throw new Error(`${event.type}: ${parsed.detail}`);
    }
    if (subject === undefined) return this.events;
    const place = ({ type, data }: Sent): number =>
      2 * Number(data['attempt'] ?? MOST_ATTEMPTS) + (type === 'job.queued' ? 0 : 1);
    return this.events.filter((event) => event.subject === subject).sort((a, b) => place(a) - place(b));
  }

  types(job: Job): string[] {
    return this.of(subjectOf(job)).map(({ type, data }) =>
      typeof data['attempt'] === 'number' ? `${type} ${data['attempt']}` : type,
    );
  }

  /** Waits until something holds. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (const start = Date.now(); !(await holds());) {
      if (Date.now() - start > PATIENCE_MS)
        throw new Error(`it never came: ${JSON.stringify(this.events.slice(-20), null, 1)}`);
      await sleep(5);
    }
  }

  /** Waits until so many events of a type are there. */
  count(type: string, count: number): Promise<void> {
    return this.until(() => this.events.filter((event) => event.type === type).length >= count);
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((one) => one.close()));
  }

  private keep<T extends { close(): Promise<unknown> }>(one: T): T {
    this.open.push(one);
    return one;
  }
}

/** What the ledger calls a job. */
export function subjectOf(job: Job): string {
  return `job/${job.queueName}/${job.id}@${job.timestamp}`;
}

/** The time of an event in ms. */
export function timeOf(event: Sent | undefined): number {
  return Date.parse(event?.time ?? '');
}
