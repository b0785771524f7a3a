import { earliest, lastCarried } from './facts.js';
import { fieldBelow, isTerminal, type Attempt, type JobEvent } from './job-attempts.js';
import { walkLife } from './life.js';

/** A time during which an attempt ran; `end` is null while it does. */
export interface JobInterval {
  readonly start: number;
  readonly end: number | null;
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
  /** The open tail was closed by an estimate. */
  readonly estimated: boolean;
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
  let estimated = false;
  life.intervals.forEach((interval, index) => {
    const next = life.intervals[index + 1]?.start ?? null;
    const seen = attempt.facts.filter((fact) => precedes(fact, next));
    const own = (name: string): unknown => lastCarried(seen, name);
    const field = (name: string): unknown => own(name) ?? fieldBelow(attempt, attempts, name);
    let end = interval.end;
    if (end === null) {
      if (life.skewed) return;
      const tail = closeTail(interval.start, attempt, attempts, removals);
      end = tail.end;
      estimated = tail.estimated;
    }
    intervals.push({ start: interval.start, end, field, own });
  });
  return { intervals, skewed: life.skewed, estimated };
}

function edgeOf(fact: JobEvent): { time: number; kind: 'start' | 'end' } | null {
  if (fact.type === 'job.started') return { time: fact.time, kind: 'start' };
  return isTerminal(fact) ? { time: fact.time, kind: 'end' } : null;
}

/** Whether a fact of the life is told before the interval that opens at `next`; null: no interval follows. */
function precedes(fact: JobEvent, next: number | null): boolean {
  return next === null || fact.time < next || (fact.time === next && isTerminal(fact));
}

function closeTail(
  openedAt: number,
  attempt: Attempt,
  attempts: readonly Attempt[],
  removals: readonly number[],
): { end: number | null; estimated: boolean } {
  const higher = attempts.filter(({ number }) => number > attempt.number);
  const sign = earliest(higher.flatMap(({ firstSign }) => firstSign ?? []));
  const estimate = sign === undefined ? null : Math.max(openedAt, sign);
  const real =
    removals.length === 0 ? null : (earliest(removals.filter((time) => time >= openedAt)) ?? openedAt);
  if (real !== null && (estimate === null || real <= estimate)) return { end: real, estimated: false };
  return { end: estimate, estimated: estimate !== null };
}
