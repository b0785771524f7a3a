import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { connect, type ReporterConnection } from './connection.js';

/** The way of encoded events into the queue. */
export interface Sender {
  /**
   * Puts events into the queue as one job; done when Redis has acknowledged it.
   * @throws Error if it did not; the job may be in the queue all the same.
   */
  send(events: readonly string[]): Promise<void>;
  /** Disconnects, at once. */
  close(): void;
}

/** As long as a busy Redis may take, and a busy event loop to notice, ms. */
const PATIENCE_MS = 5_000;

/** JSON that is ready: BullMQ would escape it once more if it were a text, and parse it if it were not. */
class ReadyJson {
  constructor(readonly text: string) {}

  toJSON(): number {
    return 0;
  }
}

class EventsJob extends Job<ReadyJson> {
  override asJSON(): ReturnType<Job['asJSON']> {
    return { ...super.asJSON(), data: this.data.text };
  }
}

class EventsQueue extends Queue {
  protected override get Job(): typeof Job {
    return EventsJob as unknown as typeof Job;
  }
}

/** Sends over a connection of its own. */
export class QueueSender implements Sender {
  private readonly redis: Redis;
  private queue: EventsQueue | undefined;

  /** @param patienceMs longest Redis may take to acknowledge a job. */
  constructor(
    connection: ReporterConnection,
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.redis = connect(connection);
  }

  async send(events: readonly string[]): Promise<void> {
    // A queue that is opened while Redis is away would wait for it, and fail for good if it goes again meanwhile.
    if (this.redis.status !== 'ready') throw new Error(`the connection to Redis is ${this.redis.status}`);
    const queue = (this.queue ??= this.open());
    await this.patiently(queue.add('events', new ReadyJson(`[${events.join(',')}]`)));
  }

  close(): void {
    void this.queue?.close().catch(() => undefined);
    this.redis.disconnect();
  }

  private open(): EventsQueue {
    const queue = new EventsQueue(LIFECYCLE_QUEUE, {
      connection: this.redis,
      prefix: QUEUE_PREFIX,
      skipMetasUpdate: true,
    });
    queue.on('error', () => undefined);
    queue.waitUntilReady().catch(() => (this.queue = undefined));
    return queue;
  }

  private async patiently<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // What a Redis that hangs has not answered would pile up in the connection, to be done as often as it was tried.
        this.redis.disconnect(true);
        reject(new Error(`Redis did not answer within ${this.patienceMs} ms`));
      }, this.patienceMs);
      timer.unref();
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
