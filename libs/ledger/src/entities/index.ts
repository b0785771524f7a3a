import { type CurrentEvent } from '@quipu/contracts';
import { jobKind } from './job/job.js';
import { type JobState } from './job/job-state.js';
import { nodeKind, type NodeState } from './node/node.js';
import { type EntityKey, type EntityKindName, type EntityKind } from './types.js';
import { workerKind, type WorkerState } from './worker/worker.js';

export * from './types.js';
export { type LevelInterval, levelIntervals } from './level-intervals.js';
export { type JobFact, type JobFields, type JobState } from './job/job-state.js';
export { type AttemptTimeline, type JobStatus, type JobTimeline, jobTimeline } from './job/job-timeline.js';
export { type NodeLifeTimeline, type NodeState, nodeTimeline } from './node/node.js';
export { type WorkerState } from './worker/worker.js';

/** State of each kind of entity. */
export interface EntityStates {
  job: JobState;
  node: NodeState;
  worker: WorkerState;
}

/** The kinds of entities this version of the ledger folds. */
export const entityKinds: { readonly [K in EntityKindName]: EntityKind<EntityStates[K]> } = {
  job: jobKind,
  node: nodeKind,
  worker: workerKind,
};

/** The entity an event is a fact for; null for events that are logged but fold into nothing yet. */
export function route(event: CurrentEvent): EntityKey | null {
  const kind = event.type.slice(0, event.type.indexOf('.'));
  if (kind !== 'job' && kind !== 'node' && kind !== 'worker') return null;
  return { tenant: event.tenant, kind, id: event.subject };
}
