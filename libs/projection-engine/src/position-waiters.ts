import { StoreUnavailableError } from '@quipu/platform';

interface Waiter {
  readonly position: bigint;
  resolve(): void;
  reject(error: Error): void;
}

/** Callers that wait until a projection has passed a position. */
export class PositionWaiters {
  private waiters: Waiter[] = [];
  private reached = -1n;

  /** Resolves once `position` was reached; rejects when the runner stops before. */
  wait(position: bigint): Promise<void> {
    if (position <= this.reached) return Promise.resolve();
    return new Promise((resolve, reject) => this.waiters.push({ position, resolve, reject }));
  }

  /** Tells that the projection stands at `position`; a rebuild may take it back. */
  reach(position: bigint): void {
    this.reached = position;
    if (this.waiters.length === 0) return;
    const waiting = this.waiters;
    this.waiters = waiting.filter((waiter) => waiter.position > position);
    for (const waiter of waiting) if (waiter.position <= position) waiter.resolve();
  }

  /** Gives up on everybody who still waits. */
  stop(): void {
    const waiting = this.waiters;
    this.waiters = [];
    for (const waiter of waiting) {
      waiter.reject(new StoreUnavailableError(`The projection stopped before position ${waiter.position}.`));
    }
  }
}
