import type { EventType, StoredEvent } from '@quipu/contracts';

/** The columns of an event in the log, on the alias `l`. */
export const EVENT_COLUMNS =
  'l.position, l.recorded_ms, l.time_ms, l.tenant, l.source, l.event_id, l.type, l.subject, l.dataversion, l.sequence, l.data';

/** A row of these columns. */
export interface EventRow {
  position: string;
  recorded_ms: string;
  time_ms: string;
  tenant: string;
  source: string;
  event_id: string;
  type: EventType;
  subject: string;
  dataversion: number;
  sequence: string | null;
  data: Record<string, unknown>;
}

/** The event of a row. */
export function eventOf(row: EventRow): StoredEvent {
  return {
    position: BigInt(row.position),
    recordedMs: Number(row.recorded_ms),
    time: Number(row.time_ms),
    tenant: row.tenant,
    source: row.source,
    id: row.event_id,
    type: row.type,
    subject: row.subject,
    dataversion: row.dataversion,
    ...(row.sequence === null ? {} : { sequence: row.sequence }),
    data: row.data,
  };
}
