import { type Definitions, definitions } from './catalogue/catalogue.js';
import type { CurrentEvent, LogEvent } from './envelope.js';

/**
 * Lifts an event to the newest version of its type by chaining the steps `v(n) → v(n+1)`.
 *
 * @returns the event itself when it is of the newest version, else a new event; its argument is never changed.
 * @throws Error if these definitions have no such type or version. Such an event was validated by a newer build,
 * and reading it as something else would falsify every number it is part of.
 */
export function upcastWith(known: Definitions, event: LogEvent): LogEvent {
  const definition = known.get(event.type);
  if (definition?.version === event.dataversion) return event;
  if (definition?.past[event.dataversion - 1] === undefined) {
    throw new Error(
      `Event type ${event.type} version ${event.dataversion} is unknown to this build of Quipu`,
    );
  }
  const data = definition.past
    .slice(event.dataversion - 1)
    .reduce((older, step) => step.toNext(older), event.data);
  return { ...event, dataversion: definition.version, data };
}

/**
 * Lifts an event of the log to the newest version of its type; see {@link upcastWith}. Total for every event that
 * `parseEvent` of this or an older build accepted.
 */
export function upcast(event: LogEvent): CurrentEvent {
  // The catalogue's schemas and steps produce exactly the data that CurrentEvent names for the type.
  return upcastWith(definitions, event) as CurrentEvent;
}
