import { type z } from 'zod';
import type { EventDefinition } from './definition.js';
import { fleetEvents } from './fleet.js';
import { hostEvents } from './host.js';
import { jobEvents } from './job.js';
import { registryEvents } from './registry.js';
import { reporterEvents } from './reporter.js';
import { workEvents } from './work.js';

/** Every type of event that Quipu knows. */
export const catalogue = {
  ...jobEvents,
  ...fleetEvents,
  ...workEvents,
  ...hostEvents,
  ...registryEvents,
  ...reporterEvents,
};

/** Name of a type in the catalogue. */
export type EventType = keyof typeof catalogue;

/** Data of each type, in its newest version. */
export type EventData = { [K in EventType]: z.output<(typeof catalogue)[K]['schema']> };

/** Data of every job event, newest version. */
export type JobData = EventData['job.queued'];
/** Data of every node event, newest version. */
export type NodeData = EventData['node.allocated'];
/** Data of every worker event, newest version. */
export type WorkerData = EventData['worker.registered'];

/** A set of types: the catalogue, or a synthetic one under test. */
export type Definitions = ReadonlyMap<string, EventDefinition>;

/** The catalogue by type. A map, since an object would also answer to `constructor` and `toString`. */
export const definitions: Definitions = new Map(Object.entries(catalogue));

/** Whether a text names a type of the catalogue. */
export function isEventType(type: string): type is EventType {
  return definitions.has(type);
}
