import { canonicalEvent, type LogEvent, type RefusalReason } from '@quipu/contracts';
import { errorMessage } from '@quipu/platform';

/** What could not become an event, kept with the reason. Unique by the hash of its bytes and the reason. */
export interface NewDeadLetter {
  /** The bytes as they came, of this event alone. */
  raw: Buffer;
  reason: RefusalReason;
  /** What exactly is wrong, for people. */
  detail: string;
  /** The tenant, where it could be read. */
  tenant?: string;
  /** The queue job that brought it. */
  jobId?: string;
}

/** The letter for an event that the database refused to store. */
export function refusedEvent(event: LogEvent, error: unknown): NewDeadLetter {
  return {
    raw: Buffer.from(canonicalEvent(event)),
    reason: 'refused-by-log',
    detail: errorMessage(error),
    tenant: event.tenant,
  };
}

/** A NUL in a text column refuses the whole append, and dead letters are the last place to put anything. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\u{fffd}');
}
