import type { EventEmitter } from 'node:events';

/** How late nobody is told that it is nobody, ms. */
export const REFUSAL_MS = 3_000;
/** Refusals that wait at once; one beyond is sent as it is, since keys are too long to be guessed anyway. */
const MOST_WAITING = 500;

/**
 * Refusals that are sent a fixed time after the request. They hold a timer each and nothing else, and only so many; a
 * client that goes away takes its own along, and the end of the process waits for none.
 */
export class LateRefusals {
  private readonly waiting = new Set<() => void>();
  private ended = false;

  constructor(
    private readonly delayMs = REFUSAL_MS,
    private readonly most = MOST_WAITING,
  ) {}

  /** How many wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Comes back when the refusal is to be sent. @param client emits `close` when nobody is there to read it. */
  async wait(client: EventEmitter): Promise<void> {
    if (this.ended || this.waiting.size >= this.most) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        client.removeListener('close', done);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, this.delayMs);
      client.once('close', done);
      this.waiting.add(done);
    });
  }

  /** Lets all go, and whoever comes later. */
  end(): void {
    this.ended = true;
    for (const done of [...this.waiting]) done();
  }
}
