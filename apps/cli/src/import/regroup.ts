import { type LogEvent } from '@quipu/contracts';
import { type RefusedEvent, type SourceBatch } from './source.js';

/** Events to be handed on together. */
export interface Group {
  readonly events: LogEvent[];
  readonly refused: RefusedEvent[];
}

/**
 * Cuts and joins the pieces of a source to groups of `maxEvents` events (the last may be smaller), fewer
 * where their bytes in the file come to `maxBytes`. What is refused travels with the group that is being
 * filled.
 */
export async function* regroup(
  batches: AsyncIterable<SourceBatch>,
  maxEvents: number,
  maxBytes: number,
): AsyncGenerator<Group> {
  let events: LogEvent[] = [];
  let refused: RefusedEvent[] = [];
  let bytes = 0;
  const take = (): Group => {
    const group = { events, refused };
    events = [];
    refused = [];
    bytes = 0;
    return group;
  };
  for await (const batch of batches) {
    refused.push(...batch.refused);
    const each = batch.events.length === 0 ? 0 : batch.bytes / batch.events.length;
    for (const event of batch.events) {
      events.push(event);
      bytes += each;
      if (events.length >= maxEvents || bytes >= maxBytes) yield take();
    }
  }
  if (events.length > 0 || refused.length > 0) yield take();
}
