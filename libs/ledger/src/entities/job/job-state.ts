import { type CurrentEvent, type JobData } from '@quipu/contracts';
import { type EdgeFact, factOf, insertFact } from '../facts.js';

/** Fields of a job's facts that its numbers depend on. */
export interface JobFields {
  queue?: string;
  user?: string;
  nodes?: number;
  cluster?: string;
  clusterTemplate?: string;
  /** ms. */
  delayUntil?: number;
  worker?: string;
  workerTenant?: string;
  taskType?: string;
  taskName?: string;
  /** Of the labels `hostArchitecture` and `backend`. */
  hostArchitecture?: string;
  backend?: string;
  result?: string;
  /** What the attempt says it took, ms. */
  duration?: number;
}

/** Fields an attempt takes from the nearest lower attempt when it lacks them. */
export const INHERITED_FIELDS = [
  'queue',
  'user',
  'nodes',
  'cluster',
  'clusterTemplate',
  'taskType',
  'taskName',
  'hostArchitecture',
  'backend',
] as const;

const COPIED_FIELDS = new Set<string>([
  'queue',
  'user',
  'nodes',
  'cluster',
  'clusterTemplate',
  'taskType',
  'taskName',
  'worker',
  'workerTenant',
  'result',
]);
const LABEL_FIELDS = ['hostArchitecture', 'backend'] as const;

/** What a job's fact says; `queued` and the terminal ones also carry edges or imply facts (docs/semantics.md). */
export type JobFactKind =
  | 'queued'
  | 'blocked'
  | 'unblocked'
  | 'assigned'
  | 'requeued'
  | 'started'
  | 'completed'
  | 'failed'
  | 'aborted';

/** One fact of a job's attempt. */
export interface JobFact extends EdgeFact<JobFields> {
  readonly k: JobFactKind;
}

/** Facts of one attempt, in fact order. */
export interface AttemptState {
  readonly a: number;
  readonly facts: JobFact[];
}

/** What was heard of an attempt besides its facts: two numbers, however often it reports progress. */
export interface AttemptSigns {
  readonly a: number;
  /** Greatest time of its estimated ends, ms. */
  e?: number;
  /** Greatest time of its `job.progressed`, ms. */
  l?: number;
}

/** Everything known about a job: its facts, by attempt. A set: nothing depends on the order of arrival. */
export interface JobState {
  /** Attempts in ascending order. */
  readonly attempts: AttemptState[];
  /** Times (ms) of `job.removed`, ascending; empty while the job exists. */
  readonly removed: number[];
  /** Signs of life and estimated ends by attempt; absent while there are none. Alone they make no attempt. */
  signs?: AttemptSigns[];
}

const EDGES: Partial<Record<JobFactKind, 1 | -1>> = { started: 1, completed: -1, failed: -1, aborted: -1 };

/** A job nothing is known about. */
export function emptyJob(): JobState {
  return { attempts: [], removed: [] };
}

/** The facts of attempt `a`, made when there are none yet. */
function attemptOf(state: JobState, a: number): AttemptState {
  const { attempts } = state;
  let at = attempts.length;
  while (at > 0 && attempts[at - 1]!.a > a) at--;
  const found = attempts[at - 1];
  if (found?.a === a) return found;
  const made = { a, facts: [] };
  attempts.splice(at, 0, made);
  return made;
}

function fieldsOf(data: JobData): JobFields | undefined {
  let fields: JobFields | undefined;
  // Most events carry one or two fields: what they have is asked, not what they might have.
  for (const name in data) {
    const value = data[name];
    if (value !== null && COPIED_FIELDS.has(name)) (fields ??= {})[name as 'queue'] = value as string;
  }
  const { delayUntil, labels, statistics } = data;
  if (labels !== undefined) {
    for (const name of LABEL_FIELDS) {
      // A label may also be called `constructor`: only the object's own count.
      if (Object.hasOwn(labels, name)) (fields ??= {})[name] = labels[name]!;
    }
  }
  const duration = statistics?.duration;
  if (duration !== undefined) {
    (fields ??= {}).duration = Math.min(Math.round(duration * 1_000), Number.MAX_SAFE_INTEGER);
  }
  if (delayUntil === undefined) return fields;
  const time = Date.parse(delayUntil);
  return Number.isNaN(time) ? fields : { ...fields, delayUntil: time };
}

/** Keeps the greatest time of what was heard of an attempt. */
function hear(state: JobState, a: number, what: 'e' | 'l', t: number): JobState {
  state.signs ??= [];
  let signs = state.signs.find((one) => one.a === a);
  if (signs === undefined) state.signs.push((signs = { a }));
  signs[what] = Math.max(signs[what] ?? t, t);
  return state;
}

/** Adds the fact an event is to `state`, in place. Events that are no facts of a job change nothing. */
export function mergeJob(state: JobState, event: CurrentEvent): JobState {
  if (!event.type.startsWith('job.')) return state;
  if (event.type === 'job.progressed') return hear(state, event.data.attempt ?? 1, 'l', event.time);
  if (event.type === 'job.aborted' && event.data.estimated === true)
    return hear(state, event.data.attempt ?? 1, 'e', event.time);
  const name = event.type.slice('job.'.length);
  if (name === 'removed') {
    let at = state.removed.length;
    while (at > 0 && state.removed[at - 1]! > event.time) at--;
    state.removed.splice(at, 0, event.time);
    return state;
  }
  const data = event.data as JobData;
  const k = name as JobFactKind;
  const a = data.attempt ?? 1;
  // Property by property: this is done for every event, and spreads cost more than all the rest of it.
  const fact: { -readonly [K in keyof JobFact]: JobFact[K] } = { ...factOf(event), k };
  const e = EDGES[k];
  if (e !== undefined) fact.e = e;
  const f = fieldsOf(data);
  if (f !== undefined) fact.f = f;
  insertFact(attemptOf(state, a).facts, fact);
  if (k === 'failed' && data.final === false) {
    insertFact(attemptOf(state, a + 1).facts, { ...factOf(event), k: 'queued' });
  }
  return state;
}
