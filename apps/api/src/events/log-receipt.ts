import { setTimeout as sleep } from 'node:timers/promises';
import { type AppendOutcome, bodyHash, type EventLog, type IdentityKey } from '@quipu/event-log';
import type { EventQueue, JobState, SentJob } from './event-queue.js';
import type { AcceptedEvent } from './judge-events.js';

/** What became of the events of a request in the log. Indexes are those of the request. */
export interface LogReceipt {
  readonly appended: number[];
  readonly duplicates: number[];
  /** Identities stored with another body: each is a dead letter now. */
  readonly conflicts: number[];
  /** What the log could not take at all: dead letters too. */
  readonly refused: number[];
  /** The last position of any of them; null if the log holds none. */
  readonly position: bigint | null;
}

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

/** Waits for the log. */
export class LogReceipts {
  constructor(
    private readonly queue: Pick<EventQueue, 'states' | 'forget'>,
    private readonly log: Pick<EventLog, 'locate' | 'find'>,
  ) {}

  /**
   * Waits until the log holds, or has refused, every event of the jobs. The ingest leaves what became of each with
   * the job; where that is lost (Redis is away, the job was swept away) the log itself is asked, and what lies
   * after `head`, the end of the log before the jobs were sent, counts as new.
   * @returns null if it takes longer than `patienceMs`; the events arrive all the same.
   */
  async wait(jobs: readonly SentJob[], head: bigint, patienceMs: number): Promise<LogReceipt | null> {
    const deadline = performance.now() + patienceMs;
    const outcomes = new Map<number, AppendOutcome>();
    let open = jobs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const still: SentJob[] = [];
      const states = await this.states(open);
      for (const [i, job] of open.entries()) {
        const state = states[i]!;
        const told = state.state === 'done' ? outcomesIn(state.value, job) : null;
        const found = state.state === 'pending' ? null : (told ?? (await this.look(job, head)));
        if (found === null) still.push(job);
        else job.events.forEach(({ index }, at) => outcomes.set(index, found[at]!));
      }
      open = still;
      if (open.length === 0) break;
      if (performance.now() + pause > deadline) return null;
      await sleep(pause);
    }
    this.queue.forget(jobs.map(({ id }) => id));
    return this.receipt(
      jobs.flatMap(({ events }) => events),
      outcomes,
    );
  }

  private async states(jobs: readonly SentJob[]): Promise<JobState[]> {
    try {
      return await this.queue.states(jobs.map(({ id }) => id));
    } catch {
      return jobs.map(() => ({ state: 'gone' }));
    }
  }

  /** What the log says of a job that the queue tells nothing of; null while it does not hold or refuse all of it. */
  private async look(job: SentJob, head: bigint): Promise<AppendOutcome[] | null> {
    const located = await this.log.locate(job.events.map(keyOf));
    const outcomes: AppendOutcome[] = [];
    for (const [i, found] of located.entries()) {
      const { event } = job.events[i]!;
      if (found === null) {
        if ((await this.log.find(event)).refusals.length === 0) return null;
        outcomes.push('refused');
      } else if (!found.bodyHash.equals(bodyHash(event))) outcomes.push('conflict');
      else outcomes.push(found.position > head ? 'appended' : 'duplicate');
    }
    return outcomes;
  }

  private async receipt(
    events: readonly AcceptedEvent[],
    outcomes: ReadonlyMap<number, AppendOutcome>,
  ): Promise<LogReceipt> {
    const which = (outcome: AppendOutcome): number[] =>
      [...outcomes].flatMap(([index, each]) => (each === outcome ? [index] : [])).sort((a, b) => a - b);
    const located = await this.log.locate(events.map(keyOf));
    let position: bigint | null = null;
    for (const found of located) {
      if (found !== null && (position === null || found.position > position)) ({ position } = found);
    }
    return {
      appended: which('appended'),
      duplicates: which('duplicate'),
      conflicts: which('conflict'),
      refused: which('refused'),
      position,
    };
  }
}

function keyOf({ event: { tenant, source, id } }: AcceptedEvent): IdentityKey {
  return { tenant, source, id };
}

/** The outcomes that a job's value holds, or null if it holds none. */
function outcomesIn(value: unknown, job: SentJob): AppendOutcome[] | null {
  return Array.isArray(value) && value.length === job.events.length ? (value as AppendOutcome[]) : null;
}
