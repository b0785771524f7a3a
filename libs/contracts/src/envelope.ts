import type { EventData, EventType } from './catalogue/catalogue.js';
import { formatTimestamp } from './timestamp.js';

/**
 * An event as the log keeps it: checked, its times normalised, its data in the version it was sent in.
 * `(tenant, source, id)` identifies it for ever.
 */
export interface LogEvent {
  /** Tenant it belongs to; for platform entities that name none, `superadmin`. */
  tenant: string;
  /** Who reported it. */
  source: string;
  /** Unique within tenant and source. */
  id: string;
  type: EventType;
  /** The entity it is about: `<kind>/<rest>`, where kind is the part of the type before the dot. */
  subject: string;
  /** When it occurred, ms since the epoch. */
  time: number;
  /** Version of the data's schema, from 1. */
  dataversion: number;
  /** Orders events of one time; compared by UTF-16 code units. */
  sequence?: string;
  /** Known fields are valid for the version; fields that the catalogue does not know are kept as they came. */
  data: Record<string, unknown>;
}

/** An event in the log. */
export interface StoredEvent extends LogEvent {
  /** Its place in the log. */
  position: bigint;
  /** When it was appended, ms since the epoch by the database's clock. */
  recordedMs: number;
}

/** An event of a type with its data in the newest version: a union discriminated by `type`. */
export type CurrentEvent<T extends EventType = EventType> = {
  [K in T]: Omit<LogEvent, 'type' | 'data'> & { type: K; data: EventData[K] };
}[T];

/** A Quipu event in structured CloudEvents 1.0 JSON. */
export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: EventType;
  subject: string;
  /** `YYYY-MM-DDTHH:MM:SS.sssZ` */
  time: string;
  tenant: string;
  dataversion: number;
  sequence?: string;
  data: Record<string, unknown>;
}

/** Writes an event as structured CloudEvents JSON; `parseEvent` reads it back as the same event. */
export function toCloudEvent(event: LogEvent): CloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: formatTimestamp(event.time),
    tenant: event.tenant,
    dataversion: event.dataversion,
    ...(event.sequence === undefined ? {} : { sequence: event.sequence }),
    data: event.data,
  };
}
