import { earliest, lastCarried } from './facts.js';
import { fieldBelow, isTerminal, type Attempt, type JobEvent } from './job-attempts.js';
import { walkLife } from './life.js';

/** A time during which an attempt ran; `end` is null while it does. */
export interface JobInterval {
  readonly start: number;
  readonly end: number | null;
  /** Nobody saw it end. */
  readonly estimated: boolean;
  /** The value of a field during this interval; undefined when nobody said. */
  field(name: string): unknown;
  /** The same, of the attempt's own facts alone. */
  own(name: string): unknown;
}

/** The intervals of an attempt. */
export interface AttemptIntervals {
  /** In time order; an open tail that a held end emptied is left out. */
  readonly intervals: readonly JobInterval[];
  readonly skewed: boolean;
  /** When the attempt was given up: its worker fell silent, and nothing is known to have come after; null: it was not. */
  readonly givenUpAt: number | null;
}

/**
 * The intervals of `attempt`, one of `attempts`; `removals` are the times of the job's tombstones.
 */
export function attemptIntervals(
  attempt: Attempt,
  attempts: readonly Attempt[],
  removals: readonly number[],
): AttemptIntervals {
  const life = walkLife(attempt.facts.flatMap((fact) => edgeOf(fact) ?? []));
  const intervals: JobInterval[] = [];
  let givenUpAt: number | null = null;
  life.intervals.forEach((interval, index) => {
    const next = life.intervals[index + 1]?.start ?? null;
    const seen = attempt.facts.filter((fact) => precedes(fact, next));
    const own = (name: string): unknown => lastCarried(seen, name);
    const field = (name: string): unknown => own(name) ?? fieldBelow(attempt, attempts, name);
    const { start } = interval;
    if (interval.end !== null) {
      intervals.push({ start, end: interval.end, estimated: false, field, own });
      return;
    }
    if (life.skewed) return;
    const tail = closeTail(start, attempt, attempts, removals);
    givenUpAt = tail.givenUp ? tail.end : null;
    intervals.push({ start, end: tail.end, estimated: tail.estimated, field, own });
  });
  return { intervals, skewed: life.skewed, givenUpAt };
}

function edgeOf(fact: JobEvent): { time: number; kind: 'start' | 'end' } | null {
  if (fact.type === 'job.started') return { time: fact.time, kind: 'start' };
  return isTerminal(fact) ? { time: fact.time, kind: 'end' } : null;
}

/** Whether a fact of the life is told before the interval that opens at `next`; null: no interval follows. */
function precedes(fact: JobEvent, next: number | null): boolean {
  return next === null || fact.time < next || (fact.time === next && isTerminal(fact));
}

interface Tail {
  /** null: it is open. */
  readonly end: number | null;
  readonly estimated: boolean;
  /** The silence of the worker alone ended it. */
  readonly givenUp: boolean;
}

function closeTail(
  openedAt: number,
  attempt: Attempt,
  attempts: readonly Attempt[],
  removals: readonly number[],
): Tail {
  const higher = attempts.filter(({ number }) => number > attempt.number);
  const sign = earliest(higher.flatMap(({ firstSign }) => firstSign ?? []));
  const overtaken = sign === undefined ? Infinity : Math.max(openedAt, sign);
  const silent = endBySilence(openedAt, attempt) ?? Infinity;
  const real =
    removals.length === 0 ? Infinity : (earliest(removals.filter((time) => time >= openedAt)) ?? openedAt);
  const end = Math.min(overtaken, silent, real);
  return {
    end: end === Infinity ? null : end,
    estimated: end < real,
    givenUp: silent < overtaken && silent < real,
  };
}

/** When the silence of its worker ended the tail that opened then, unless something shows that it went on. */
function endBySilence(openedAt: number, { estimatedEnd, lastSign, facts }: Attempt): number | undefined {
  if (estimatedEnd === undefined || estimatedEnd < openedAt) return undefined;
  if (lastSign !== undefined && lastSign > estimatedEnd) return undefined;
  const startedAgain = facts.some(({ type, time }) => type === 'job.started' && time > estimatedEnd);
  return startedAgain ? undefined : estimatedEnd;
}
