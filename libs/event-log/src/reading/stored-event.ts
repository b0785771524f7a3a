import type { EventType, StoredEvent } from '@quipu/contracts';

/** The columns of an event, in the order of {@link StoredRow}. */
export const COLUMNS =
  'position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, sequence, data';

/** A row of the log as the driver gives it, read by place: objects by name cost twice as much. */
export type StoredRow = [
  position: string,
  recordedMs: string,
  timeMs: string,
  tenant: string,
  source: string,
  id: string,
  type: EventType,
  subject: string,
  dataversion: number,
  sequence: string | null,
  data: Record<string, unknown>,
];

/** The event of a row. */
export function storedEvent(row: StoredRow): StoredEvent {
  const event: StoredEvent = {
    position: BigInt(row[0]),
    recordedMs: Number(row[1]),
    time: Number(row[2]),
    tenant: row[3],
    source: row[4],
    id: row[5],
    type: row[6],
    subject: row[7],
    dataversion: row[8],
    data: row[10],
  };
  if (row[9] !== null) event.sequence = row[9];
  return event;
}
