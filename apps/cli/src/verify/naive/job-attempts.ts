import type { CurrentEvent, EventType } from '@quipu/contracts';
import { earliest, lastCarried, lastText, latest } from './facts.js';

/** An event whose type begins with `job.`. */
export type JobEvent = CurrentEvent<Extract<EventType, `job.${string}`>>;

/** An attempt of a job: the facts of one life. */
export interface Attempt {
  readonly number: number;
  /**
   * In fact order; without signs of life and estimated ends, of which only the last counts, and `job.removed`, which
   * is the job's.
   */
  readonly facts: readonly JobEvent[];
  /** When it ended at the latest, as estimated from the silence of its worker. */
  readonly estimatedEnd: number | undefined;
  /** When it was last heard of while it ran. */
  readonly lastSign: number | undefined;
  /** When it was queued, said or implied by a failure of the attempt before that was not final. */
  readonly queuedTimes: readonly number[];
  /** The times of all its facts, implied ones included. */
  readonly times: readonly number[];
  /** The earliest sign that the job has gone on to this attempt: queued, assigned, started or ended. */
  readonly firstSign: number | undefined;
  /** It may not run before (ms since the epoch). */
  readonly delayUntil: number | undefined;
}

type TerminalEvent = Extract<JobEvent, { type: 'job.completed' | 'job.failed' | 'job.aborted' }>;

/** Completed, failed or aborted. */
export function isTerminal(fact: JobEvent): fact is TerminalEvent {
  return fact.type === 'job.completed' || fact.type === 'job.failed' || fact.type === 'job.aborted';
}

/** Whether a fact only estimates when the attempt ended. */
export function isEstimate(fact: CurrentEvent): boolean {
  return fact.type === 'job.aborted' && fact.data.estimated === true;
}

/** The attempts of a job, lowest first, from its facts in fact order. */
export function attemptsOf(facts: readonly JobEvent[]): Attempt[] {
  const said = new Map<number, JobEvent[]>();
  const implied = new Map<number, number[]>();
  const estimatedEnds = new Map<number, number[]>();
  const signs = new Map<number, number[]>();
  for (const fact of facts) {
    if (fact.type === 'job.removed') continue;
    const number = fact.data.attempt ?? 1;
    if (fact.type === 'job.progressed') addTo(signs, number, fact.time);
    else if (isEstimate(fact)) addTo(estimatedEnds, number, fact.time);
    else addTo(said, number, fact);
    if (fact.type === 'job.failed' && fact.data.final === false) addTo(implied, number + 1, fact.time);
  }
  const numbers = new Set([...said.keys(), ...implied.keys()]);
  return [...numbers]
    .sort((a, b) => a - b)
    .map((number) => ({
      ...attempt(number, said.get(number) ?? [], implied.get(number) ?? []),
      estimatedEnd: latest(estimatedEnds.get(number) ?? []),
      lastSign: latest(signs.get(number) ?? []),
    }));
}

function addTo<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function attempt(
  number: number,
  facts: readonly JobEvent[],
  impliedQueued: readonly number[],
): Omit<Attempt, 'estimatedEnd' | 'lastSign'> {
  const timesOf = (is: (fact: JobEvent) => boolean): number[] => facts.filter(is).map((fact) => fact.time);
  const queuedTimes = [...timesOf((fact) => fact.type === 'job.queued'), ...impliedQueued];
  const signs = timesOf(
    (fact) => fact.type === 'job.assigned' || fact.type === 'job.started' || isTerminal(fact),
  );
  const delay = lastText(facts, 'delayUntil');
  return {
    number,
    facts,
    queuedTimes,
    times: [...timesOf(() => true), ...impliedQueued],
    firstSign: earliest([...queuedTimes, ...signs]),
    delayUntil: delay === null ? undefined : Date.parse(delay),
  };
}

/** The value of a field of an attempt: its own, else that of the nearest lower attempt that has one. */
export function fieldOfAttempt(attempt: Attempt, attempts: readonly Attempt[], field: string): unknown {
  return lastCarried(attempt.facts, field) ?? fieldBelow(attempt, attempts, field);
}

/** The value of a field in the nearest attempt lower than this one that has one. */
export function fieldBelow(attempt: Attempt, attempts: readonly Attempt[], field: string): unknown {
  for (const lower of attempts.filter(({ number }) => number < attempt.number).reverse()) {
    const value = lastCarried(lower.facts, field);
    if (value !== undefined) return value;
  }
  return undefined;
}
