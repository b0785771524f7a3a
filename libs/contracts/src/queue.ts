import { echo } from './refusal.js';

/** Name of the BullMQ queue that carries events. */
export const LIFECYCLE_QUEUE = 'lifecycle-events';
/** BullMQ prefix of the queue's keys: one hash tag, so that all of them live on one node of a cluster. */
export const QUEUE_PREFIX = '{quipu}';
/** Most events that one job may carry. */
export const MAX_EVENTS_PER_JOB = 500;

/** What one job of the queue carries: events still to be parsed, and whether they are a backfill of old times. */
export interface QueuePayload {
  events: unknown[];
  backfill: boolean;
}

/**
 * Reads the data of a queue job: one CloudEvent, an array of them, or `{ events: [...], import?: true }`.
 * An object without an `events` member is taken for one event, so that what is wrong with it is told by its parser.
 *
 * @returns the events, or what is wrong with the job as a whole. Never throws.
 */
export function parseQueuePayload(data: unknown): QueuePayload | { error: string } {
  if (typeof data !== 'object' || data === null) {
    return { error: `job data: expected an event, an array of events or {events}, got ${echo(data)}` };
  }
  if (Array.isArray(data)) return payload(data, false);
  if (!Object.hasOwn(data, 'events') || Object.hasOwn(data, 'specversion')) return payload([data], false);
  const { events, import: backfill } = data as { events: unknown; import?: unknown };
  if (!Array.isArray(events)) return { error: `job data.events: expected an array, got ${echo(events)}` };
  if (backfill !== undefined && backfill !== null && typeof backfill !== 'boolean') {
    return { error: `job data.import: expected a boolean, got ${echo(backfill)}` };
  }
  return payload(events, backfill === true);
}

function payload(events: unknown[], backfill: boolean): QueuePayload | { error: string } {
  if (events.length > MAX_EVENTS_PER_JOB) {
    return { error: `job data: carries ${events.length} events, at most ${MAX_EVENTS_PER_JOB} are allowed` };
  }
  return { events, backfill };
}
