import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import {
  type EdgeFact,
  factOf,
  type FieldedInterval,
  fieldedIntervals,
  insertFact,
  pickFields,
} from '../facts.js';
import { pushLevel } from '../levels.js';
import {
  type Contributions,
  type Dimensions,
  type EntityKey,
  type EntityKind,
  noContributions,
} from '../types.js';

/** Fields of a node's facts that its numbers depend on. */
export interface NodeFields {
  user?: string;
  cluster?: string;
  clusterTemplate?: string;
  provider?: string;
  hardwareType?: string;
  imageType?: string;
  services?: readonly string[];
}

/** Edges of one life of a node, in fact order; `life` is '' for the nameless one. */
export interface NodeLife {
  readonly life: string;
  readonly facts: EdgeFact<NodeFields>[];
}

/** Everything known about a node: its edges, by life. */
export interface NodeState {
  readonly lives: NodeLife[];
}

const FIELDS = [
  'user',
  'cluster',
  'clusterTemplate',
  'provider',
  'hardwareType',
  'imageType',
  'services',
] as const;

/** Nodes: one node-second per second between allocation and release (docs/semantics.md, "Nodes"). */
export const nodeKind: EntityKind<NodeState> = {
  empty: () => ({ lives: [] }),
  merge: mergeNode,
  contributions: nodeContributions,
  links: () => [],
  linked: (state) => state,
};

function mergeNode(state: NodeState, event: CurrentEvent): NodeState {
  if (event.type !== 'node.allocated' && event.type !== 'node.released') return state;
  const data: Readonly<Record<string, unknown>> = event.data;
  const name = typeof data['life'] === 'string' ? data['life'] : '';
  let life = state.lives.find((candidate) => candidate.life === name);
  if (life === undefined) {
    life = { life: name, facts: [] };
    state.lives.push(life);
  }
  const f = pickFields<NodeFields>(data, FIELDS);
  const e = event.type === 'node.allocated' ? 1 : -1;
  insertFact(life.facts, { ...factOf(event), e, ...(f === undefined ? {} : { f }) });
  return state;
}

/** One life of a node, resolved. */
export interface NodeLifeTimeline {
  /** '' for the nameless one. */
  readonly life: string;
  /** Without an open tail that a held end emptied. */
  readonly intervals: readonly FieldedInterval<NodeFields>[];
  readonly skewed: boolean;
}

/** Resolves a node's edges into intervals (docs/semantics.md, "Nodes"). */
export function nodeTimeline(key: EntityKey, state: NodeState): NodeLifeTimeline[] {
  const cluster = clusterOfSubject(key.id);
  const fallback: NodeFields = cluster === undefined ? {} : { cluster };
  return state.lives.map(({ life, facts }) => {
    const { intervals, held } = fieldedIntervals(facts, fallback);
    const skewed = held > 0 && intervals.at(-1)?.end === null;
    return { life, intervals: skewed ? intervals.slice(0, -1) : intervals, skewed };
  });
}

function nodeContributions(key: EntityKey, state: NodeState): Contributions {
  const found = noContributions();
  if (state.lives.length === 0) return found;
  const lives = nodeTimeline(key, state);
  addSamples('node', key, lives, found);
  for (const { intervals } of lives) {
    for (const interval of intervals) {
      pushLevel(found.changes, 'nodes', nodeDimensions(key.tenant, interval.fields), interval, 1);
    }
  }
  return found;
}

/** The cluster in `node/<cluster>/<id>`; ids may contain slashes, a subject without a cluster has one slash. */
function clusterOfSubject(subject: string): string | undefined {
  const parts = subject.split('/');
  return parts.length >= 3 && parts[1] !== '' ? parts[1] : undefined;
}

/** What an interval with these fields is accounted under. */
export function nodeDimensions(tenant: string, fields: NodeFields): Dimensions {
  return {
    tenant,
    user: fields.user ?? null,
    queue: null,
    cluster: fields.cluster ?? null,
    template: fields.clusterTemplate ?? null,
    provider: fields.provider ?? null,
    hardware: fields.hardwareType ?? null,
    image: fields.imageType ?? null,
    services: [...new Set(fields.services ?? [])].sort(),
  };
}
