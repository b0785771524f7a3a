import type { CurrentEvent } from '@quipu/contracts';
import { noContributions, type Contributions } from './contributions.js';
import { compareFacts, compareRanked, lastText } from './facts.js';

const RANKS: Readonly<Record<string, number>> = {
  'worker.connected': 0,
  'worker.heartbeat': 1,
  'worker.lost': 2,
  'worker.disconnected': 3,
};

/**
 * Folds the events of one worker, in any order, repeated or not. Of each thing it keeps only the greatest
 * fact so far, because a worker sends heartbeats for years.
 */
export class NaiveWorker {
  private registered = false;
  private retired = false;
  private sign: CurrentEvent | undefined;
  private readonly carriers = new Map<'pool' | 'type', CurrentEvent>();

  /** Takes one more event about the worker into account. */
  add(event: CurrentEvent): void {
    if (event.type === 'worker.registered') this.registered = true;
    if (event.type === 'worker.retired') this.retired = true;
    if (event.type in RANKS && (this.sign === undefined || compareSigns(event, this.sign) > 0)) {
      this.sign = event;
    }
    for (const field of ['pool', 'type'] as const) {
      const greatest = this.carriers.get(field);
      if (lastText([event], field) === null) continue;
      if (greatest === undefined || compareFacts(event, greatest) > 0) this.carriers.set(field, event);
    }
  }

  /** What the worker contributes, depending on whether a job holds it. */
  contributions(tenant: string, held: boolean): Contributions {
    const result = noContributions();
    if (!this.registered || this.retired) return result;
    const connected = this.sign?.type === 'worker.connected' || this.sign?.type === 'worker.heartbeat';
    const state = !connected ? 'offline' : held ? 'busy' : 'idle';
    const labels = { pool: this.text('pool'), type: this.text('type'), state };
    result.amounts.push({ family: 'quipu_workers', tenant, labels, value: 1 });
    return result;
  }

  private text(field: 'pool' | 'type'): string {
    const carrier = this.carriers.get(field);
    return carrier === undefined ? '' : (lastText([carrier], field) ?? '');
  }
}

function compareSigns(a: CurrentEvent, b: CurrentEvent): number {
  return compareRanked(a, b, (fact) => RANKS[fact.type] ?? 0);
}
