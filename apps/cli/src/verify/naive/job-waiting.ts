import { compareRanked, greatest } from './facts.js';
import { isTerminal, type Attempt, type JobEvent } from './job-attempts.js';
import type { AttemptIntervals, JobInterval } from './job-intervals.js';

type StatusEvent = Extract<
  JobEvent,
  { type: 'job.blocked' | 'job.unblocked' | 'job.assigned' | 'job.requeued' }
>;

const RANKS = { 'job.blocked': 0, 'job.unblocked': 1, 'job.assigned': 2, 'job.requeued': 3 } as const;

function isStatus(fact: JobEvent): fact is StatusEvent {
  return fact.type in RANKS;
}

/** The greatest status fact of `facts` by (time, sequence, rank, source, id). */
export function greatestStatusFact(facts: readonly JobEvent[]): StatusEvent | undefined {
  return greatest(facts.filter(isStatus), (a, b) => compareRanked(a, b, (fact) => RANKS[fact.type]));
}

/**
 * The longest intervals during which `attempt` waits. Whether it does can change only at an instant that
 * something names, so each of these is sampled.
 */
export function waitingIntervals(
  attempt: Attempt,
  attempts: readonly Attempt[],
  { intervals: running, givenUpAt }: AttemptIntervals,
  removals: readonly number[],
): { start: number; end: number | null }[] {
  const higher = attempts.filter(({ number }) => number > attempt.number);
  const overtaken = [...higher.flatMap(({ times }) => times), ...removals];
  const instants = new Set([...attempt.times, ...overtaken]);
  if (attempt.delayUntil !== undefined) instants.add(attempt.delayUntil);
  for (const { start, end } of running) {
    instants.add(start);
    if (end !== null) instants.add(end);
  }

  const result: { start: number; end: number | null }[] = [];
  let since: number | null = null;
  for (const t of [...instants].sort((a, b) => a - b)) {
    const waits = isWaiting(t, attempt, { running, givenUpAt, overtaken });
    if (waits && since === null) since = t;
    if (!waits && since !== null) {
      result.push({ start: since, end: t });
      since = null;
    }
  }
  if (since !== null) result.push({ start: since, end: null });
  return result;
}

function isWaiting(
  t: number,
  attempt: Attempt,
  {
    running,
    givenUpAt,
    overtaken,
  }: {
    readonly running: readonly JobInterval[];
    readonly givenUpAt: number | null;
    readonly overtaken: readonly number[];
  },
): boolean {
  if (running.some(({ start, end }) => start <= t && (end === null || t < end))) return false;
  const told = attempt.facts.filter((fact) => fact.time <= t);
  if (told.some(isTerminal)) return false;
  if (overtaken.some((time) => time <= t)) return false;
  if (attempt.delayUntil !== undefined && t < attempt.delayUntil) return false;
  // What was said of an attempt before it was given up is over.
  const since = givenUpAt !== null && t >= givenUpAt ? givenUpAt : -Infinity;
  const said = greatestStatusFact(told.filter(({ time }) => time > since));
  if (said !== undefined) return said.type === 'job.unblocked' || said.type === 'job.requeued';
  return attempt.queuedTimes.some((time) => time > since && time <= t);
}
