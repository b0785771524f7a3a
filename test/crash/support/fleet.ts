import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEvent, toCloudEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { everyKindEvents } from '../../support/generators/worlds.js';

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

/** The same worlds every time, which hold nearly every type of event. */
const WORLDS = { numRuns: 16, seed: 202 };

/** The events of the committed trace of jobs, nodes and workers, in the order they arrive. */
function readTrace(): FleetEvent[] {
  return readFileSync(FILE, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as FleetEvent);
}

/** The trace and, spread among its events, those of entities of every kind, in the order they arrive. */
export function readFleet(): FleetEvent[] {
  const trace = readTrace();
  const others = everyKind();
  const fleet: FleetEvent[] = [];
  for (const [n, event] of trace.entries()) {
    const [from, to] = [n, n + 1].map((part) => Math.floor((part * others.length) / trace.length));
    fleet.push(event, ...others.slice(from, to));
  }
  return fleet;
}

/** Events of every kind that a projector accepts. */
function everyKind(): FleetEvent[] {
  const events = fc
    .sample(everyKindEvents(3), WORLDS)
    .flatMap((world, n) => world.map((event) => ({ ...event, id: `g${n}-${event.id}` })));
  const limits = { nowMs: Date.now(), maxAgeMs: Infinity, backfill: true };
  return events.map((event) => ({ ...toCloudEvent(event) })).filter((event) => parseEvent(event, limits).ok);
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
  const events = readTrace();
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
