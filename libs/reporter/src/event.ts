import type { EventData, EventType } from '@quipu/contracts';

/**
 * What a program reports: one event of the catalogue (docs/events.md). Version, id and envelope are the reporter's
 * business.
 */
export type ReportedEvent<T extends EventType = EventType> = {
  [K in T]: {
    /** What happened. */
    readonly type: K;
    /** The entity it is about, `<kind>/<rest>`. */
    readonly subject: string;
    /** Whose event it is; the reporter's tenant if absent. */
    readonly tenant?: string;
    /** When it happened, ms since the epoch; the time of the call if absent. */
    readonly time?: number;
    /** Orders events of one time. */
    readonly sequence?: string;
    /** Copied when it is reported: changing it later changes nothing. */
    readonly data?: EventData[K];
  };
}[T];

/** An event as it lies in the buffer. */
export interface EncodedEvent {
  /** Structured CloudEvents JSON. */
  readonly json: string;
  readonly type: string;
  readonly tenant: string;
  /** ms since the epoch */
  readonly time: number;
}
