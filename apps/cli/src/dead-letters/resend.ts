import { setTimeout as sleep } from 'node:timers/promises';
import { type LogEvent, MAX_EVENTS_PER_JOB, parseEvent } from '@quipu/contracts';
import { bodyHash, EventLog } from '@quipu/event-log';
import { type Job, type Queue } from 'bullmq';
import { type Pool } from 'pg';
import { InterruptedError } from '../support/exit-codes.js';
import { withPatience } from '../support/patience.js';

/** What {@link resend} works with. */
export interface ResendContext {
  readonly pool: Pool;
  /** Called when something has to be sent: the queue, with somebody who takes jobs from it. */
  readonly queue: () => Promise<{ queue: Queue; broken: AbortSignal }>;
  readonly nowMs: number;
  readonly maxAgeMs: number;
  /** Whether the events may be of any age. */
  readonly backfill: boolean;
  readonly interrupted: AbortSignal;
  /** Says what an interruption leaves behind. */
  readonly onInterrupt: () => void;
}

/** The events are in the log, at these positions, or (in words) why they are not. */
export type ResendOutcome =
  { readonly ok: true; readonly positions: readonly string[] } | { readonly ok: false; readonly why: string };

const LOOK_EVERY_MS = 50;
const LOOK_AT_JOB_EVERY = 5;

/**
 * Brings events into the log through the queue, and answers only when the log was seen to hold every one of them, or
 * will not. What it holds already is not sent again, so a repetition after a kill at any point sends nothing twice and
 * comes to the same answer.
 */
export async function resend(context: ResendContext, raw: readonly unknown[]): Promise<ResendOutcome> {
  if (raw.length === 0 || raw.length > MAX_EVENTS_PER_JOB) {
    return { ok: false, why: `${raw.length} events; one to ${MAX_EVENTS_PER_JOB} can be sent at a time` };
  }
  const { nowMs, maxAgeMs, backfill } = context;
  const events: LogEvent[] = [];
  for (const [index, one] of raw.entries()) {
    const parsed = parseEvent(one, { nowMs, maxAgeMs, backfill });
    const where = raw.length === 1 ? '' : `event ${index}: `;
    if (!parsed.ok) return { ok: false, why: `${where}${parsed.reason}: ${parsed.detail}` };
    events.push(parsed.event);
  }
  const before = await look(context, events);
  if (before !== null) return before;
  const { queue, broken } = await context.queue();
  const job = await withPatience(() =>
    // The answer of the job is kept for a while: it tells at once when the log refuses an event.
    queue.add(
      'resent',
      { events: raw, ...(backfill ? { import: true } : {}) },
      { removeOnComplete: { age: 600, count: 1_000 } },
    ),
  );
  return follow(context, events, job, queue, broken);
}

async function follow(
  context: ResendContext,
  events: readonly LogEvent[],
  sent: Job,
  queue: Queue,
  broken: AbortSignal,
): Promise<ResendOutcome> {
  for (let round = 1; ; round += 1) {
    // The job is looked at first: one that is done has written whatever it writes, so the look after it is final.
    const job = round % LOOK_AT_JOB_EVERY === 0 ? await withPatience(() => queue.getJob(sent.id!)) : null;
    const found = await look(context, events);
    if (found !== null) {
      await queue.remove(sent.id!).catch(() => undefined);
      return found;
    }
    if (
      job === undefined ||
      (job !== null && job.finishedOn !== undefined && job.failedReason === undefined)
    ) {
      return { ok: false, why: await refusal(context.pool, events) };
    }
    broken.throwIfAborted();
    if (context.interrupted.aborted) {
      context.onInterrupt();
      throw new InterruptedError('Interrupted.');
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: context.interrupted }).catch(() => undefined);
  }
}

/** The final word about the events where there is one, else null. */
async function look({ pool }: ResendContext, events: readonly LogEvent[]): Promise<ResendOutcome | null> {
  const found = await withPatience(() => new EventLog(pool).locate(events));
  for (const [index, event] of events.entries()) {
    const stored = found[index];
    if (stored && !stored.bodyHash.equals(bodyHash(event))) {
      const { tenant, source, id } = event;
      return {
        ok: false,
        why: `the log holds ${tenant} ${source} ${id} with another body, at ${stored.position}`,
      };
    }
  }
  if (found.some((stored) => !stored)) return null;
  return { ok: true, positions: found.map((stored) => String(stored!.position)) };
}

async function refusal(pool: Pool, events: readonly LogEvent[]): Promise<string> {
  const log = new EventLog(pool);
  for (const event of events) {
    const { logged, refusals } = await log.find(event);
    const [last] = refusals;
    if (logged === null && last !== undefined) return `${last.reason}: ${last.detail}`;
  }
  return 'the queue lost it, or took it without storing it';
}
