import type { CurrentEvent } from '@quipu/contracts';
import { carried, compareFacts } from './facts.js';

/** Of each of some fields the greatest fact so far that carries it, whatever the number of facts. */
export class LatestFields<F extends string> {
  private readonly carriers = new Map<F, CurrentEvent>();

  constructor(private readonly fields: readonly F[]) {}

  /** Takes one more fact into account. */
  add(event: CurrentEvent): void {
    for (const field of this.fields) {
      if (carried(event, field) === undefined) continue;
      const greatest = this.carriers.get(field);
      if (greatest === undefined || compareFacts(event, greatest) > 0) this.carriers.set(field, event);
    }
  }

  /** The value of a field; undefined when no fact carries it. */
  get(field: F): unknown {
    const carrier = this.carriers.get(field);
    return carrier === undefined ? undefined : carried(carrier, field);
  }

  /** The text in a field; '' when no fact tells it. */
  text(field: F): string {
    const value = this.get(field);
    return typeof value === 'string' ? value : '';
  }
}

/** The greatest fact so far by an order of one's own. */
export class LatestFact<T extends CurrentEvent> {
  latest: T | undefined;

  constructor(private readonly compare: (a: T, b: T) => number = compareFacts) {}

  /** Takes one more fact into account. */
  add(event: T): void {
    if (this.latest === undefined || this.compare(event, this.latest) > 0) this.latest = event;
  }
}
