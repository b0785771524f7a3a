import { type Principal, type TenantDirectory } from '@quipu/access';
import type { EventLog } from '@quipu/event-log';
import type { Clock } from '@quipu/platform';
import { ProblemException } from '../answers/problem.exception.js';
import type { RefusedEvent } from './door-rules.js';
import type { EventQueue } from './event-queue.js';
import { judgeEvents } from './judge-events.js';
import { type LogReceipt, LogReceipts } from './log-receipt.js';
import type { SentEvents } from './read-events.js';
import type { RefusalCounts } from './refusal-counts.js';

/** What a caller asked for beside the events. */
export interface DoorWishes {
  /** Old events are welcome. */
  readonly backfill: boolean;
  /** Wait for the log. */
  readonly acknowledge: boolean;
}

/** What became of a request. */
export interface DoorAnswer {
  /** How many events the queue holds now. */
  readonly accepted: number;
  readonly rejected: readonly RefusedEvent[];
  /** What the log made of them; null if nobody asked, or it takes long. */
  readonly receipt: LogReceipt | null;
}

/** What a door stands on. */
export interface EventDoorOptions {
  readonly queue: EventQueue;
  readonly log: EventLog;
  readonly tenants: TenantDirectory;
  readonly refusals: RefusalCounts;
  readonly clock: Clock;
  readonly maxEventAgeDays: number;
}

const DAY_MS = 86_400_000;
/** What the log makes of no events. */
const NOTHING: LogReceipt = { appended: [], duplicates: [], conflicts: [], refused: [], position: null };
/** Longest a caller waits for the log, ms. */
const PATIENCE_MS = 10_000;

/** The door for events that come over HTTP: what is good goes into the queue, what is not is refused at once. */
export class EventDoor {
  private readonly receipts: LogReceipts;

  constructor(private readonly options: EventDoorOptions) {
    this.receipts = new LogReceipts(options.queue, options.log);
  }

  /** Whether events are taken at all, before a body is read; throws as `EventQueue.checkLength` does. */
  checkOpen(): Promise<void> {
    return this.options.queue.checkLength();
  }

  /**
   * Takes in the events of a request.
   * @throws ProblemException 422 if there are events and all are refused, 400 if the body is none, 503 while the
   * queue is away.
   */
  async take(principal: Principal, sent: SentEvents, wishes: DoorWishes): Promise<DoorAnswer> {
    const { queue, log, tenants, refusals, clock, maxEventAgeDays } = this.options;
    const limits = { nowMs: clock.now(), maxAgeMs: maxEventAgeDays * DAY_MS, backfill: wishes.backfill };
    const { accepted, rejected } = await judgeEvents(principal, sent, limits, tenants);
    if (accepted.length === 0 && rejected.length > 0) {
      await refusals.count(reasonsOf(rejected));
      const members = { accepted: 0, rejected };
      const what = rejected.length === 1 ? 'The event is' : `All ${rejected.length} events are`;
      throw new ProblemException(422, `${what} refused.`, { members });
    }
    if (accepted.length === 0) return { accepted: 0, rejected, receipt: wishes.acknowledge ? NOTHING : null };
    const head = wishes.acknowledge ? (await log.head()).position : 0n;
    const jobs = await queue.add(accepted, wishes.acknowledge);
    // Only now: where the queue is away nobody is told of a refusal, and all of it is sent again.
    if (rejected.length > 0) await refusals.count(reasonsOf(rejected));
    const receipt = wishes.acknowledge ? await this.receipts.wait(jobs, head, PATIENCE_MS) : null;
    return { accepted: accepted.length, rejected, receipt };
  }
}

function* reasonsOf(rejected: readonly RefusedEvent[]): Generator<RefusedEvent['reason']> {
  for (const { reason } of rejected) yield reason;
}
