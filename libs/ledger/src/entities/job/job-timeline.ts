import { type Interval } from '@quipu/metering';
import { type FieldedInterval, compareRanked, fieldedIntervals } from '../facts.js';
import {
  type AttemptSigns,
  type AttemptState,
  INHERITED_FIELDS,
  type JobFact,
  type JobFactKind,
  type JobFields,
  type JobState,
} from './job-state.js';

/** What a job is doing; `null` where its facts do not tell. */
export type JobStatus =
  'waiting' | 'blocked' | 'assigned' | 'running' | 'completed' | 'failed' | 'aborted' | 'removed' | null;

/** One attempt, resolved: what it ran, when it waited, and how it ended. */
export interface AttemptTimeline {
  readonly attempt: number;
  /** Fields of the attempt as a whole, taken from lower attempts where it has none. */
  readonly fields: JobFields;
  readonly running: readonly FieldedInterval<JobFields>[];
  readonly waiting: readonly Interval[];
  /** The greatest terminal fact's kind, or null. */
  readonly outcome: 'completed' | 'failed' | 'aborted' | null;
  /** Somebody said that it was waiting, or that it began to run. */
  readonly queued: boolean;
  readonly started: boolean;
  /** The open tail was empty because an end that met nothing open belongs to it. */
  readonly skewed: boolean;
  /** The open tail was closed by a higher attempt's first fact or by an estimated end, not by an end of its own. */
  readonly estimated: boolean;
  /** When an estimated end closed the open tail, ms; null if none did. */
  readonly givenUp: number | null;
  /** The last `job.progressed`, ms; null without any. */
  readonly heard: number | null;
}

/** A job, resolved. */
export interface JobTimeline {
  readonly status: JobStatus;
  /** The status is `aborted` only because its worker was lost: a later fact makes it void. */
  readonly estimated: boolean;
  readonly attempts: readonly AttemptTimeline[];
  /** Score of a waiting job: max(queued at, delay until), ms; null when it does not wait. */
  readonly waitingSince: number | null;
}

const STATUS_RANK: Partial<Record<JobFactKind, number>> = {
  blocked: 0,
  unblocked: 1,
  assigned: 2,
  requeued: 3,
};
/** Facts of a higher attempt that show a lower one has ended. */
const ENDS_LOWER = new Set<JobFactKind>(['queued', 'assigned', 'started', 'completed', 'failed', 'aborted']);

let lastState: JobState | undefined;
let lastTimeline: JobTimeline | undefined;

/**
 * Resolves a job's facts into intervals, waits and status (docs/semantics.md, "Jobs"). The last one is kept: links and
 * contributions of one state ask for it one after the other. Whoever changes a state says so by {@link jobChanged}.
 */
export function jobTimeline(state: JobState): JobTimeline {
  if (state !== lastState || lastTimeline === undefined) {
    lastTimeline = resolve(state);
    lastState = state;
  }
  return lastTimeline;
}

/** A state was changed in place. */
export function jobChanged(state: JobState): void {
  if (state === lastState) lastState = undefined;
}

function resolve(state: JobState): JobTimeline {
  const attempts: AttemptTimeline[] = [];
  const firstFacts = higherFacts(state);
  let inherited = NO_FIELDS;
  for (let i = 0; i < state.attempts.length; i++) {
    const timeline = attemptTimeline(state.attempts[i]!, inherited, firstFacts[i]!, state);
    attempts.push(timeline);
    if (i + 1 < state.attempts.length) inherited = onlyInherited(timeline.fields);
  }
  const highest = state.attempts.at(-1);
  const top = attempts.at(-1);
  const status = jobStatus(state, highest, top);
  const waitingSince =
    status === 'waiting' ? Math.max(queuedAt(highest!.facts), top!.fields.delayUntil ?? -Infinity) : null;
  const estimated = status === 'aborted' && top!.outcome === null;
  return { status, estimated, attempts, waitingSince };
}

const NO_FIELDS: JobFields = {};
const NONE_HIGHER = [{ any: Infinity, ending: Infinity }];

/** Per attempt: the earliest fact, and the earliest fact that ends a lower attempt, of all higher attempts (ms). */
function higherFacts(state: JobState): readonly { any: number; ending: number }[] {
  if (state.attempts.length <= 1) return NONE_HIGHER;
  const found: { any: number; ending: number }[] = [];
  let any = Infinity;
  let ending = Infinity;
  for (let i = state.attempts.length - 1; i >= 0; i--) {
    found[i] = { any, ending };
    for (const fact of state.attempts[i]!.facts) {
      any = Math.min(any, fact.t);
      if (ENDS_LOWER.has(fact.k)) ending = Math.min(ending, fact.t);
    }
  }
  return found;
}

function onlyInherited(fields: JobFields): JobFields {
  const kept: Record<string, unknown> = {};
  for (const name of INHERITED_FIELDS) if (fields[name] !== undefined) kept[name] = fields[name];
  return kept;
}

/** What the facts say, field by field the greatest; not to be changed: it may be what the only fact says. */
function fieldsOfAll(facts: readonly JobFact[], inherited: JobFields): JobFields {
  let fields = inherited;
  let own = false;
  for (const { f } of facts) {
    if (f === undefined) continue;
    if (fields === NO_FIELDS) {
      fields = f;
      continue;
    }
    if (!own) fields = { ...fields };
    own = true;
    Object.assign(fields, f);
  }
  return fields;
}

function attemptTimeline(
  attempt: AttemptState,
  inherited: JobFields,
  higher: { any: number; ending: number },
  { removed, signs: signsOfAll }: JobState,
): AttemptTimeline {
  const { facts } = attempt;
  const signs = signsOfAll?.find(({ a }) => a === attempt.a);
  const fields = fieldsOfAll(facts, inherited);
  let outcome: AttemptTimeline['outcome'] = null;
  let queued = false;
  let started = false;
  for (const { k } of facts) {
    if (k === 'completed' || k === 'failed' || k === 'aborted') outcome = k;
    else if (k === 'started') started = true;
    else if (k === 'queued' || isWaiting(k)) queued = true;
  }
  const { intervals, held } = fieldedIntervals(facts, inherited, fields);
  let skewed = false;
  let estimated = false;
  let givenUp: number | null = null;
  const tail = intervals.at(-1);
  if (tail?.end === null) {
    intervals.pop();
    if (held > 0) {
      skewed = true;
    } else {
      const real = removed.length === 0 ? Infinity : (removed.find((t) => t >= tail.start) ?? tail.start);
      const superseded = Math.max(tail.start, higher.ending);
      const lost = signs === undefined ? Infinity : lostAt(signs, tail.start, facts);
      if (lost < superseded && lost < real) givenUp = lost;
      const estimate = Math.min(superseded, lost);
      estimated = estimate < real;
      const end = Math.min(estimate, real);
      intervals.push({ ...tail, end: end === Infinity ? null : end });
    }
  }
  const cut = Math.min(higher.any, removed[0] ?? Infinity);
  const waiting = waitingIntervals(
    facts,
    intervals,
    fields.delayUntil ?? -Infinity,
    cut,
    givenUp ?? Infinity,
  );
  return {
    attempt: attempt.a,
    fields,
    running: intervals,
    waiting,
    outcome,
    queued,
    started,
    skewed,
    estimated,
    givenUp,
    heard: signs?.l ?? null,
  };
}

/** When the estimated end closes the tail that opened at `o`, ms; Infinity if there is none, or a later sign of life. */
function lostAt({ e, l }: AttemptSigns, o: number, facts: readonly JobFact[]): number {
  if (e === undefined || e < o || (l !== undefined && l > e)) return Infinity;
  return facts.some((fact) => fact.e === 1 && fact.t > e) ? Infinity : e;
}

/**
 * The instants at which the attempt waits, unblocked and held by nobody, from `from` (its delay) to before `cut`
 * (the first fact of a higher attempt, or the job's removal). From `givenUp` on only facts after it are asked.
 */
function waitingIntervals(
  facts: readonly JobFact[],
  running: readonly Interval[],
  from: number,
  cut: number,
  givenUp: number,
): Interval[] {
  const waits: Interval[] = [];
  let since: number | null = null;
  let ended = false;
  let queued = false;
  let latest: JobFact | undefined;
  const close = (t: number): void => {
    if (since === null) return;
    const start = Math.max(since, from);
    const end = Math.min(t, cut);
    if (start < end) waits.push({ start, end: end === Infinity ? null : end });
    since = null;
  };
  let isAfter = false;
  for (let i = 0; i < facts.length;) {
    const t = facts[i]!.t;
    if (t > givenUp && !isAfter) {
      isAfter = true;
      queued = false;
      latest = undefined;
    }
    for (; i < facts.length && facts[i]!.t === t; i++) {
      const fact = facts[i]!;
      if (fact.k === 'queued') queued = true;
      else if (isTerminal(fact.k)) ended = true;
      else if (fact.k !== 'started') latest = greater(latest, fact);
    }
    const runs = running.some(
      (interval) => interval.start <= t && (interval.end === null || t < interval.end),
    );
    const waits = !ended && !runs && t !== givenUp && (latest === undefined ? queued : isWaiting(latest.k));
    if (!waits) close(t);
    else since ??= t;
    if (ended) break;
  }
  close(Infinity);
  return waits;
}

function isTerminal(kind: JobFactKind): boolean {
  return kind === 'completed' || kind === 'failed' || kind === 'aborted';
}

function isWaiting(kind: JobFactKind): boolean {
  return kind === 'unblocked' || kind === 'requeued';
}

function greater(a: JobFact | undefined, b: JobFact): JobFact {
  if (a === undefined) return b;
  return compareRanked(a, STATUS_RANK[a.k] ?? 0, b, STATUS_RANK[b.k] ?? 0) > 0 ? a : b;
}

function jobStatus(
  state: JobState,
  highest: AttemptState | undefined,
  top: AttemptTimeline | undefined,
): JobStatus {
  if (state.removed.length > 0) return 'removed';
  if (highest === undefined || top === undefined) return null;
  if (top.running.at(-1)?.end === null) return 'running';
  if (top.outcome !== null) return top.outcome;
  let latest: JobFact | undefined;
  let queued = false;
  const { givenUp } = top;
  for (const fact of highest.facts) {
    if (givenUp !== null && fact.t <= givenUp) continue;
    if (fact.k === 'queued') queued = true;
    else if (STATUS_RANK[fact.k] !== undefined) latest = greater(latest, fact);
  }
  if (latest === undefined) return queued ? 'waiting' : givenUp === null ? null : 'aborted';
  if (isWaiting(latest.k)) return 'waiting';
  return latest.k === 'blocked' ? 'blocked' : 'assigned';
}

/** The earliest queued fact, else the earliest fact that made the attempt wait (ms). */
function queuedAt(facts: readonly JobFact[]): number {
  const queued = facts.find((fact) => fact.k === 'queued') ?? facts.find((fact) => isWaiting(fact.k));
  return queued?.t ?? facts[0]!.t;
}
