import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { factOf, type FieldedInterval, fieldedIntervals, insertFact, type EdgeFact } from '../facts.js';
import { type EntityKind, noContributions } from '../types.js';

/** Fields of an instance's facts that its numbers depend on. */
export interface InstanceFields {
  pool?: string;
}

/** Edges of each life of an instance, in fact order; `life` is '' for the nameless one. */
export interface InstanceState {
  readonly lives: { readonly life: string; readonly facts: EdgeFact<InstanceFields>[] }[];
}

/** One life of an instance, resolved; without an open tail that a held end emptied. */
export interface InstanceLife {
  readonly intervals: readonly FieldedInterval<InstanceFields>[];
  readonly skewed: boolean;
}

/** Instances of worker pools: up from launch to termination (docs/semantics.md, "Metrics"). */
export const instanceKind: EntityKind<InstanceState> = {
  empty: () => ({ lives: [] }),
  merge: mergeInstance,
  contributions: (key, state) => {
    const found = noContributions();
    if (state.lives.length > 0) addSamples('instance', key, instanceLives(state), found);
    return found;
  },
  links: () => [],
  linked: (state) => state,
};

function mergeInstance(state: InstanceState, event: CurrentEvent): InstanceState {
  if (event.type !== 'instance.launched' && event.type !== 'instance.terminated') return state;
  const { life: name = '', pool } = event.data;
  let life = state.lives.find((candidate) => candidate.life === name);
  if (life === undefined) {
    life = { life: name, facts: [] };
    state.lives.push(life);
  }
  const e = event.type === 'instance.launched' ? 1 : -1;
  insertFact(life.facts, { ...factOf(event), e, ...(pool === undefined ? {} : { f: { pool } }) });
  return state;
}

function instanceLives(state: InstanceState): InstanceLife[] {
  return state.lives.map(({ facts }) => {
    const { intervals, held } = fieldedIntervals<InstanceFields>(facts, {});
    const skewed = held > 0 && intervals.at(-1)?.end === null;
    return { intervals: skewed ? intervals.slice(0, -1) : intervals, skewed };
  });
}
