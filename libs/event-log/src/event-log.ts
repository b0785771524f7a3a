import type { LogEvent, RefusalReason, StoredEvent } from '@quipu/contracts';
import { type IoSteps, noIoSteps } from '@quipu/platform';
import type { Pool } from 'pg';
import { appendBatch, type AppendResult, emptyResult } from './append/append-batch.js';
import { AppendSignal } from './append/append-signal.js';
import type { NewDeadLetter } from './append/dead-letter.js';
import { LogArchive } from './archive/log-archive.js';
import { readWholeEntity, readWholeLogAfter, withArchived } from './archive/read-whole-log.js';
import type { IdentityKey } from './identity.js';
import { AppendListener } from './reading/append-listener.js';
import { countDeadLetters, type DeadLetter, listDeadLetters } from './reading/dead-letters.js';
import { findEvent, type FoundEvent } from './reading/find-event.js';
import { type LogHead, readHead } from './reading/head.js';
import { knownIdentities } from './reading/known-identities.js';
import { countAfter, oldestRecordedAfter } from './reading/lag.js';
import { locateEvents, type LocatedEvent } from './reading/locate-events.js';
import type { ReadLimits } from './reading/read-after.js';
import { readSelected, type SelectedEvents, type Selection } from './reading/read-selected.js';

/** Events to append, and what could not become one, in one transaction. */
export interface AppendBatch {
  events: readonly LogEvent[];
  deadLetters?: readonly NewDeadLetter[];
}

/**
 * The log: append-only, in Postgres. Position order is commit order, so a reader's place is one number
 * that never skips a late committer. Positions have gaps.
 *
 * All methods throw the driver's errors (`classifyPgError` says what to do about them). After a lost
 * connection the outcome of an append is unknown; appending again is safe, for an event is stored once.
 */
export class EventLog {
  private readonly signal: AppendSignal;
  private readonly listeners = new Set<() => void>();

  /**
   * @param pool its sessions should start with `WRITER_SESSION`.
   * @param archive where archived parts of the log are; without it, reading them throws ArchiveUnavailableError.
   */
  constructor(
    private readonly pool: Pool,
    private readonly io: IoSteps = noIoSteps,
    private readonly archive: LogArchive = new LogArchive(null),
  ) {
    this.signal = new AppendSignal(pool);
  }

  /**
   * Appends what is new, in the order given, and says what became of each event. Fastest with 500 to 5,000
   * events; keep a batch below some 50 MB.
   */
  async append(batch: AppendBatch): Promise<AppendResult> {
    const letters = batch.deadLetters ?? [];
    if (batch.events.length === 0 && letters.length === 0) return emptyResult();
    const result = await appendBatch(this.pool, this.io, batch.events, letters);
    if (result.appended > 0) {
      for (const listener of this.listeners) listener();
      this.signal.raise();
    }
    return result;
  }

  /** The events after a position, in order, at least one if there is any. */
  readAfter(position: bigint, limits: ReadLimits): Promise<StoredEvent[]> {
    return readWholeLogAfter(this.pool, this.archive, position, limits);
  }

  /** The selected events after a position up to another one, in order; see {@link SelectedEvents} for how far it went. */
  readSelected(position: bigint, to: bigint, selection: Selection): Promise<SelectedEvents> {
    return readSelected(this.pool, this.archive, position, to, selection);
  }

  /** Every event about one entity, in the order of the log. */
  readEntity(tenant: string, subject: string): Promise<StoredEvent[]> {
    return readWholeEntity(this.pool, this.archive, tenant, subject);
  }

  /** Where the log ends. */
  head(): Promise<LogHead> {
    return readHead(this.pool);
  }

  /** How many events follow a position. */
  countAfter(position: bigint): Promise<bigint> {
    return countAfter(this.pool, position);
  }

  /** When the first event after a position was appended (ms), null if there is none. */
  oldestRecordedAfter(position: bigint): Promise<number | null> {
    return oldestRecordedAfter(this.pool, position);
  }

  /** Whether the log holds an event of each key. */
  knownIdentities(keys: readonly IdentityKey[]): Promise<boolean[]> {
    return knownIdentities(this.pool, keys);
  }

  /** Where the event of each key is in the log, null for those it does not hold. */
  locate(keys: readonly IdentityKey[]): Promise<(LocatedEvent | null)[]> {
    return locateEvents(this.pool, keys);
  }

  /** What is known of an event: where it is logged, and what was refused under its identity. */
  async find(key: IdentityKey): Promise<FoundEvent> {
    return withArchived(this.pool, this.archive, await findEvent(this.pool, key));
  }

  /** How many dead letters stand open, by reason. */
  countDeadLetters(): Promise<Map<RefusalReason, number>> {
    return countDeadLetters(this.pool);
  }

  /** The newest open dead letters. */
  listDeadLetters(limit: number): Promise<DeadLetter[]> {
    return listDeadLetters(this.pool, limit);
  }

  /**
   * Calls `listener` soon after events were appended, by this process or another one. A hint: while the
   * connection is away none comes, so callers poll as well. The listener must not throw.
   * @returns what ends it.
   */
  async onAppend(listener: () => void): Promise<() => Promise<void>> {
    const remote = new AppendListener(this.pool.options, listener);
    this.listeners.add(listener);
    await remote.start();
    return async () => {
      this.listeners.delete(listener);
      await remote.stop();
    };
  }
}
