import { type CurrentEvent } from '@quipu/contracts';
import { type Fact, compareFacts, compareRanked, factOf } from '../facts.js';
import { type Contributions, type EntityKey, type EntityKind, noContributions } from '../types.js';

/** A fact's place in the order, and the value of one field it carries. */
interface FieldValue extends Fact<object> {
  readonly v: string;
}

/** The latest sign of a worker's connection. */
interface ConnectionFact extends Fact<object> {
  readonly k: keyof typeof CONNECTION_RANK;
}

/**
 * Everything kept of a worker: gauges only, so the greatest fact per question is enough, and the state does not
 * grow with heartbeats. `holds` are the jobs that hold it now, told by the jobs themselves.
 */
export interface WorkerState {
  registered: boolean;
  retired: boolean;
  pool?: FieldValue;
  type?: FieldValue;
  connection?: ConnectionFact;
  readonly holds: string[];
}

const CONNECTION_RANK = {
  'worker.connected': 0,
  'worker.heartbeat': 1,
  'worker.lost': 2,
  'worker.disconnected': 3,
} as const;

/** Workers: how many are busy, idle and offline (docs/semantics.md, "Workers"). */
export const workerKind: EntityKind<WorkerState> = {
  empty: () => ({ registered: false, retired: false, holds: [] }),
  merge: mergeWorker,
  contributions: workerContributions,
  links: () => [],
  linked: (state, name, present) => {
    const at = state.holds.indexOf(name);
    if (present && at < 0) state.holds.push(name);
    if (!present && at >= 0) state.holds.splice(at, 1);
    return state;
  },
};

function mergeWorker(state: WorkerState, event: CurrentEvent): WorkerState {
  if (event.type === 'worker.registered') state.registered = true;
  if (event.type === 'worker.retired') state.retired = true;
  const fact = factOf(event);
  const data: Readonly<Record<string, unknown>> = event.data;
  for (const name of ['pool', 'type'] as const) {
    const value = data[name];
    const known = state[name];
    if (typeof value === 'string' && (known === undefined || compareFacts(known, fact) < 0)) {
      state[name] = { ...fact, v: value };
    }
  }
  if (event.type in CONNECTION_RANK) {
    const k = event.type as ConnectionFact['k'];
    const known = state.connection;
    if (known === undefined || compareRanked(known, CONNECTION_RANK[known.k], fact, CONNECTION_RANK[k]) < 0) {
      state.connection = { ...fact, k };
    }
  }
  return state;
}

function workerContributions(key: EntityKey, state: WorkerState): Contributions {
  const found = noContributions();
  if (!state.registered || state.retired) return found;
  const connection = state.connection?.k;
  const connected = connection === 'worker.connected' || connection === 'worker.heartbeat';
  const busy = state.holds.length > 0;
  const labels = {
    pool: state.pool?.v ?? '',
    state: !connected ? 'offline' : busy ? 'busy' : 'idle',
    type: state.type?.v ?? '',
  };
  found.amounts.push({ family: 'workers', tenant: key.tenant, labels, value: 1 });
  return found;
}
