import { type CurrentEvent } from '@quipu/contracts';
import { artifactKind, type ArtifactState } from './artifact/artifact.js';
import { eventTypeKind, type EventTypeState } from './event-type/event-type.js';
import { alertKind, type AlertState } from './host/alert.js';
import { hostKind, type HostState } from './host/host.js';
import { instanceKind, type InstanceState } from './instance/instance.js';
import { jobKind } from './job/job.js';
import { type JobState } from './job/job-state.js';
import { nodeKind, type NodeState } from './node/node.js';
import { type RecordKindName, type RecordState } from './record/record.js';
import { recordKinds } from './record/records.js';
import { type EntityKey, type EntityKind, type EntityKindName, KIND_CODES } from './types.js';
import { userKind, type UserState } from './user/user.js';
import { workerKind } from './worker/worker.js';
import { type WorkerState } from './worker/worker-state.js';

export * from './types.js';
export { type ArtifactState } from './artifact/artifact.js';
export { type EventTypeState } from './event-type/event-type.js';
export { type AlertState } from './host/alert.js';
export { type HostState } from './host/host.js';
export { type InstanceState } from './instance/instance.js';
export { type LevelInterval, levelIntervals } from './level-intervals.js';
export { jobDimensions } from './job/job.js';
export { type JobFact, type JobFields, type JobState } from './job/job-state.js';
export { type AttemptTimeline, type JobStatus, type JobTimeline, jobTimeline } from './job/job-timeline.js';
export { type NodeLifeTimeline, type NodeState, nodeTimeline } from './node/node.js';
export { type RecordState } from './record/record.js';
export { type UserState } from './user/user.js';
export { type SlotInterval, slotIntervals, workerView, type WorkerView } from './worker/worker.js';
export { type WorkerLife, type WorkerState } from './worker/worker-state.js';
export {
  type Connection,
  connectionsOf,
  type ConnectionStanding,
  workerLives,
  type WorkerLifeStanding,
} from './worker/worker-timeline.js';

/** State of each kind of entity. */
export type EntityStates = {
  job: JobState;
  node: NodeState;
  worker: WorkerState;
  artifact: ArtifactState;
  user: UserState;
  instance: InstanceState;
  host: HostState;
  alert: AlertState;
  event_type: EventTypeState;
} & Record<RecordKindName, RecordState>;

/** The kinds of entities this version of the ledger folds. */
export const entityKinds: { readonly [K in EntityKindName]: EntityKind<EntityStates[K]> } = {
  job: jobKind,
  node: nodeKind,
  worker: workerKind,
  artifact: artifactKind,
  user: userKind,
  instance: instanceKind,
  host: hostKind,
  alert: alertKind,
  event_type: eventTypeKind,
  ...recordKinds,
};

/** The kind of the entity that an event's subject names; undefined where the ledger keeps none of it. */
function kindOfType(type: string): EntityKindName | undefined {
  const kind = type.slice(0, type.indexOf('.'));
  return kind !== 'event_type' && Object.hasOwn(KIND_CODES, kind) ? (kind as EntityKindName) : undefined;
}

/** Per type of event: the kind of its subject's entity. */
const kinds = new Map<string, EntityKindName | undefined>();
/** Per tenant and type: the entity that counts them. There are few of them, and every event asks. */
const counters = new Map<string, Map<string, EntityKey>>();
const MAX_TENANTS = 10_000;

/** The entity that counts a tenant's events of a type: one object per entity, so that it can be told by identity. */
export function counterOf(tenant: string, type: string): EntityKey {
  let ofTenant = counters.get(tenant);
  if (ofTenant === undefined) {
    if (counters.size >= MAX_TENANTS) counters.clear();
    counters.set(tenant, (ofTenant = new Map<string, EntityKey>()));
  }
  let key = ofTenant.get(type);
  if (key === undefined) ofTenant.set(type, (key = { tenant, kind: 'event_type', id: type }));
  return key;
}

/** The entity an event is about: that of its subject, or the one it names; null if the ledger keeps none of its kind. */
export function routeAbout(event: CurrentEvent): EntityKey | null {
  const { tenant, type } = event;
  if (event.type === 'workflow.created') {
    const { user, parent } = event.data;
    if (user === undefined || parent !== undefined) return null;
    return { tenant, kind: 'user', id: `user/${user}` };
  }
  if (!kinds.has(type)) kinds.set(type, kindOfType(type));
  const kind = kinds.get(type);
  return kind === undefined ? null : { tenant, kind, id: event.subject };
}

/** The entities an event is a fact for: the one it is about, if any, and the one that counts events of its type. */
export function route(event: CurrentEvent): readonly EntityKey[] {
  const about = routeAbout(event);
  const counter = counterOf(event.tenant, event.type);
  return about === null ? [counter] : [about, counter];
}
