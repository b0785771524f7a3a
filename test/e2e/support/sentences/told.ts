import { NOW } from '../small-events.js';
import type { SentEvent } from '../test-system.js';

/** An event of a tenant that is still to be named; `$T` in its data is that tenant. */
export type Told = Omit<SentEvent, 'tenant'>;

/** One sentence of a contract: what happened in a tenant of its own, and lines of its scrape (`$T`: the tenant). */
export interface Sentence {
  readonly what: string;
  readonly events: readonly Told[];
  readonly has: readonly string[];
  /** Beginnings of lines that must not be there. */
  readonly lacks?: readonly string[];
}

/** An event of some ms ago. */
export function told(type: string, subject: string, data: object = {}, ago = 60_000): Told {
  return { type, subject, time: NOW - ago, data: { ...data } };
}

/** The events, as those of a tenant. */
export function eventsOf(tenant: string, events: readonly Told[]): SentEvent[] {
  const named = JSON.parse(JSON.stringify(events).replaceAll('$T', tenant)) as Told[];
  return named.map((event) => ({ tenant, ...event }));
}

/** What a job of the tests is. */
export const TASK = { queue: 'q', taskType: 'Worker', taskName: 'sbuild' };

/** A worker that is registered, and what else it tells. */
export function worker(data: object, ...more: Told[]): Told[] {
  return [told('worker.registered', 'worker/w', { type: 'external', ...data }, 90_000), ...more];
}

/** That worker is in touch. */
export const CONNECTED = told('worker.connected', 'worker/w', {}, 80_000);

/** Cumulative lines of a distribution. @param before labels before `le` @param counts such as `1:0 5:2 +Inf:2` */
export function buckets(name: string, before: string, after: string, counts: string): string[] {
  return counts.split(' ').map((one) => {
    const [le, count] = one.split(':');
    return `${name}_bucket{${[before, `le="${le}"`, after].filter(Boolean).join(',')}} ${count}`;
  });
}
