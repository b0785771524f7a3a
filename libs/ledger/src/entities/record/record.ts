import { type CurrentEvent } from '@quipu/contracts';
import { addSamples } from '../../metrics/contribute.js';
import { compareFacts, type Fact, factOf } from '../facts.js';
import {
  type EntityKey,
  type EntityKind,
  type EntityKindName,
  type Link,
  noContributions,
} from '../types.js';

/** Kinds whose events carry their whole state. */
export type RecordKindName = Extract<
  EntityKindName,
  | 'identity'
  | 'group'
  | 'token'
  | 'workspace'
  | 'collection'
  | 'asset'
  | 'workflow_template'
  | 'file_store'
  | 'tenant'
  | 'worker_pool'
>;

/** The greatest `set` fact, with those of its data that something is made of. */
export interface SetFact extends Fact<object> {
  readonly d: Readonly<Record<string, unknown>>;
}

/** Everything known about a record (docs/semantics.md, "Metrics"). */
export interface RecordState {
  set?: SetFact;
  /** A tombstone stays, whatever comes later. */
  removed?: true;
  /** Greatest time it was seen, ms; tokens only. */
  seen?: number;
}

/** A record that exists. */
export interface RecordView {
  /** The subject without its kind. */
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The scope it lies in; the tenant if it names none. */
  readonly scope: string;
  readonly seen: number | null;
}

/** The id of an entity: its subject without `<kind>/`. */
export function idOf(subject: string): string {
  return subject.slice(subject.indexOf('/') + 1);
}

/** Takes a `set` or a tombstone; answers whether the event was one. */
export function mergeSet(
  state: { set?: SetFact; removed?: true },
  event: CurrentEvent,
  names: readonly string[],
): boolean {
  const name = event.type.slice(event.type.indexOf('.') + 1);
  if (name === 'removed' || name === 'deleted') {
    state.removed = true;
    return true;
  }
  if (name !== 'set' && name !== 'created') return false;
  const fact = factOf(event);
  if (state.set !== undefined && compareFacts(state.set, fact) >= 0) return true;
  const data: Readonly<Record<string, unknown>> = event.data;
  const d: Record<string, unknown> = {};
  for (const field of names) if (data[field] !== undefined && data[field] !== null) d[field] = data[field];
  state.set = { ...fact, d };
  return true;
}

/** A record as its families see it; null while it does not exist. */
export function recordView(key: EntityKey, state: RecordState): RecordView | null {
  if (state.set === undefined || state.removed === true) return null;
  const { d: data } = state.set;
  const scope = typeof data['scope'] === 'string' ? data['scope'] : key.tenant;
  return { id: idOf(key.id), data, scope, seen: state.seen ?? null };
}

/**
 * A kind of record. `fields` are those of its data that are kept.
 * @param links what an existing record tells others.
 */
export function recordKind(
  kind: RecordKindName,
  fields: readonly string[],
  links: (key: EntityKey, view: RecordView) => Link[] = () => [],
): EntityKind<RecordState> {
  return {
    empty: () => ({}),
    merge: (state, event) => {
      if (event.type === 'token.seen') state.seen = Math.max(state.seen ?? -Infinity, event.time);
      else mergeSet(state, event, fields);
      return state;
    },
    contributions: (key, state) => {
      const found = noContributions();
      const view = recordView(key, state);
      if (view !== null) addSamples(kind, key, view, found);
      return found;
    },
    links: (key, state) => {
      const view = recordView(key, state);
      return view === null ? [] : links(key, view);
    },
    linked: (state) => state,
  };
}
