import { type LogEvent, type RefusalReason } from '@quipu/contracts';
import { type Tally } from './tally.js';

/** Something in the file that claims to be an event and is none the log takes. */
export interface RefusedEvent {
  readonly raw: Buffer;
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly tenant?: string;
}

/** A stretch of the file, as events. */
export interface SourceBatch {
  readonly events: LogEvent[];
  readonly refused: RefusedEvent[];
  /** About how many bytes of the file it comes from, so that large events are not gathered by the thousand. */
  readonly bytes: number;
}

/** What was met while reading the file; grows as the batches are taken. */
export interface SourceStats {
  /** Jobs read (for CloudEvents: distinct things are not known, so 0). */
  jobs: number;
  /** Steps left out because they lie after `--until`, or in the future with `--ending`. */
  leftOut: number;
  /** Lines that are no job or no event, by reason. */
  readonly skipped: Tally;
}

/** A file being turned into events. */
export interface EventSource {
  readonly batches: AsyncIterable<SourceBatch>;
  readonly stats: SourceStats;
  /** The `source` of its events, where they share one. */
  readonly name?: string;
}
