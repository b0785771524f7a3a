import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../../fixtures/crash/fleet.ndjson');

/** A CloudEvent of the committed trace, as it stands in the file. */
export interface FleetEvent {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
  readonly subject: string;
  readonly [attribute: string]: unknown;
}

/** Data of one BullMQ job of the lifecycle queue. */
export interface FleetJob {
  readonly events: readonly unknown[];
  readonly import: true;
}

/** What stands on a queue in place of an event and must end as one dead letter, however often its job runs. */
export const NO_EVENT = { specversion: '1.0', id: 'broken', type: 'job.queued' };

/** The events of the committed trace, in the order they arrive. */
export function readFleet(): FleetEvent[] {
  return readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FleetEvent);
}

/** What identifies an event for ever. */
export function identity(event: { tenant: string; source: string; id: string }): string {
  return JSON.stringify([event.tenant, event.source, event.id]);
}

/**
 * The trace as `count` BullMQ jobs. Each repeats the last events of the one before, as a reporter does that
 * does not know what arrived; the first carries something that is no event.
 */
export function fleetJobs(events: readonly FleetEvent[], count: number): FleetJob[] {
  const size = Math.ceil(events.length / count);
  return Array.from({ length: count }, (_, n) => ({
    events: [...events.slice(Math.max(0, n * size - 5), (n + 1) * size), ...(n === 0 ? [NO_EVENT] : [])],
    import: true as const,
  }));
}

/** The trace `copies` times over: other jobs, other nodes, the same workers, each event with an id of its own. */
export function manyFleets(copies: number): FleetEvent[] {
  const events = readFleet();
  return Array.from({ length: copies }, (_, copy) =>
    events.map((event) => ({
      ...event,
      id: `c${copy}-${event.id}`,
      subject: event.subject.startsWith('worker/')
        ? event.subject
        : event.subject.replace(/\/([^/]*)$/, `/c${copy}-$1`),
    })),
  ).flat();
}
