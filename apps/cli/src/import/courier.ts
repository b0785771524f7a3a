import { randomBytes } from 'node:crypto';
import { type LogEvent, MAX_EVENTS_PER_JOB, toCloudEvent } from '@quipu/contracts';
import { bodyHash, eventIdentity } from '@quipu/event-log';
import { type Queue } from 'bullmq';
import { type Pool } from 'pg';
import { withPatience } from '../support/patience.js';
import { findRefusals } from './find-refusals.js';
import { readKnownBodies } from './known-bodies.js';
import { countRefused, type Outcome } from './outcome.js';

/** What the courier works with. */
export interface CourierContext {
  readonly queue: Queue;
  /** How many take jobs from it. */
  readonly consumers: () => Promise<number>;
  readonly pool: Pool;
  readonly outcome: Outcome;
  /** Whether the events may be of any age. */
  readonly backfill: boolean;
  /** When the import began, by the database's clock (ms): older dead letters are of no concern. */
  readonly sinceMs: number;
  readonly onWait: (error: unknown) => void;
  /** Called when nothing has arrived for a while and nobody takes jobs from the queue. */
  readonly onNobodyThere: () => void;
}

/** A job of the queue and those of its events that have not been seen in the log. */
interface Parcel {
  readonly jobId: string;
  readonly missing: Map<string, LogEvent>;
}

const PARCEL_BYTES = 1_000_000;
const LOOK_UP_EVENTS = 5_000;
const EXAMINE_AFTER_MS = 1_500;
const TELL_AFTER_MS = 10_000;

/**
 * Brings events into the log through the queue and watches until they are there.
 *
 * An event is *known* (the log held it before), *on the way* (in a job whose end was not seen in the log), or
 * *settled*. The log is asked, never the queue: a job that is gone from the queue has been appended, refused
 * or lost, and only the log and its dead letters tell which. When nothing arrives for a while, jobs that the
 * queue does not know any more are examined: what they carried and neither the log nor the dead letters
 * hold is sent again.
 */
export class Courier {
  private readonly parcels = new Set<Parcel>();
  private readonly bodies = new Map<string, Buffer>();
  private readonly runId = randomBytes(6).toString('hex');
  private jobs = 0;
  private lastArrival = Date.now();
  private lastExamination = Date.now();
  private toldNobodyThere = false;

  constructor(private readonly context: CourierContext) {}

  /** Events that were sent and not yet seen in the log. */
  get onTheWay(): number {
    return this.bodies.size;
  }

  /** Sends what the log does not hold; what it holds with another body is sent to become a dead letter. */
  async send(events: readonly LogEvent[]): Promise<void> {
    const { pool, outcome } = this.context;
    const known = await this.patiently(() => readKnownBodies(pool, events));
    const fresh: LogEvent[] = [];
    const conflicting: LogEvent[] = [];
    events.forEach((event, index) => {
      outcome.tenants.add(event.tenant);
      const key = eventIdentity(event).toString('hex');
      const hash = bodyHash(event);
      const before = known[index]?.bodyHash ?? this.bodies.get(key);
      if (before === undefined) {
        this.bodies.set(key, hash);
        fresh.push(event);
      } else if (before.equals(hash)) {
        outcome.duplicates += 1;
      } else {
        outcome.conflicts += 1;
        conflicting.push(event);
      }
    });
    if (this.onTheWay === fresh.length) this.lastArrival = Date.now();
    for (const parcel of pack([...fresh, ...conflicting])) {
      await this.post(parcel, new Set(conflicting));
    }
  }

  /** Asks the log for the events that have been on the way longest; answers with how many were settled. */
  async lookForArrivals(): Promise<number> {
    const asked: { parcel: Parcel; key: string; event: LogEvent }[] = [];
    for (const parcel of this.parcels) {
      for (const [key, event] of parcel.missing) asked.push({ parcel, key, event });
      if (asked.length >= LOOK_UP_EVENTS) break;
    }
    const events = asked.map(({ event }) => event);
    const known = await this.patiently(() => readKnownBodies(this.context.pool, events));
    let arrived = 0;
    asked.forEach(({ parcel, key }, index) => {
      if (known[index] === null) return;
      this.settle(parcel, key);
      this.context.outcome.added += 1;
      arrived += 1;
    });
    const now = Date.now();
    if (arrived > 0) this.lastArrival = now;
    else if (now - Math.max(this.lastArrival, this.lastExamination) >= EXAMINE_AFTER_MS) {
      this.lastExamination = now;
      arrived = await this.examine();
    }
    return arrived;
  }

  /** Looks after jobs that the queue does not know any more; answers with how many events were settled. */
  private async examine(): Promise<number> {
    const { queue, pool, outcome } = this.context;
    let settled = 0;
    let waiting = 0;
    for (const parcel of [...this.parcels]) {
      const state = await this.patiently(() => queue.getJobState(parcel.jobId));
      if (state !== 'unknown' && state !== 'completed') {
        waiting += 1;
        continue;
      }
      // The job may have ended between the last look into the log and now.
      const entries = [...parcel.missing];
      const events = entries.map(([, event]) => event);
      const known = await this.patiently(() => readKnownBodies(pool, events));
      const refusals = await this.patiently(() => findRefusals(pool, events, this.context.sinceMs));
      const lost: LogEvent[] = [];
      entries.forEach(([key, event], index) => {
        const refusal = refusals[index];
        if (known[index] === null && refusal === null) {
          parcel.missing.delete(key);
          lost.push(event);
          return;
        }
        this.settle(parcel, key);
        settled += 1;
        if (known[index] !== null) outcome.added += 1;
        else if (refusal) countRefused(outcome, [{ reason: refusal }]);
      });
      this.parcels.delete(parcel);
      outcome.resent += lost.length;
      for (const again of pack(lost)) await this.post(again, new Set());
    }
    if (waiting > 0 && Date.now() - this.lastArrival >= TELL_AFTER_MS) await this.checkForWorkers();
    return settled;
  }

  private async checkForWorkers(): Promise<void> {
    if (this.toldNobodyThere) return;
    if ((await this.patiently(this.context.consumers)) > 0) return;
    this.toldNobodyThere = true;
    this.context.onNobodyThere();
  }

  private async post(events: readonly LogEvent[], untracked: ReadonlySet<LogEvent>): Promise<void> {
    this.jobs += 1;
    const jobId = `cli-${this.runId}-${this.jobs}`;
    const missing = new Map<string, LogEvent>();
    for (const event of events) {
      if (!untracked.has(event)) missing.set(eventIdentity(event).toString('hex'), event);
    }
    const data = { ...(this.context.backfill ? { import: true } : {}), events: events.map(toCloudEvent) };
    // Repeating it is safe: while the job exists its id is taken, and afterwards its events are known.
    await this.patiently(() =>
      this.context.queue.add('events', data, { jobId, removeOnComplete: true, removeOnFail: false }),
    );
    if (missing.size > 0) this.parcels.add({ jobId, missing });
  }

  private settle(parcel: Parcel, key: string): void {
    parcel.missing.delete(key);
    this.bodies.delete(key);
    if (parcel.missing.size === 0) this.parcels.delete(parcel);
  }

  private patiently<T>(work: () => Promise<T>): Promise<T> {
    return withPatience(work, { onWait: this.context.onWait });
  }
}

/** Cuts events into jobs: at most 500 events, and not much more than a megabyte. */
function pack(events: readonly LogEvent[]): LogEvent[][] {
  const parcels: LogEvent[][] = [];
  let current: LogEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const size = 300 + JSON.stringify(event.data).length;
    if (current.length === MAX_EVENTS_PER_JOB || (current.length > 0 && bytes + size > PARCEL_BYTES)) {
      parcels.push(current);
      current = [];
      bytes = 0;
    }
    current.push(event);
    bytes += size;
  }
  if (current.length > 0) parcels.push(current);
  return parcels;
}
