import { type CurrentEvent } from '@quipu/contracts';

/** Kinds of entities the ledger folds, and the code each is stored under. */
export const KIND_CODES = {
  job: 1,
  node: 2,
  worker: 3,
  artifact: 4,
  user: 5,
  identity: 6,
  group: 7,
  token: 8,
  workspace: 9,
  collection: 10,
  asset: 11,
  workflow_template: 12,
  file_store: 13,
  tenant: 14,
  worker_pool: 15,
  instance: 16,
  host: 17,
  alert: 18,
  event_type: 19,
} as const;

/** Name of a kind of entity. */
export type EntityKindName = keyof typeof KIND_CODES;

/** What identifies an entity; entities never move between tenants. `id` is the event's subject. */
export interface EntityKey {
  readonly tenant: string;
  readonly kind: EntityKindName;
  readonly id: string;
}

/** Levels whose exact history is kept, and the code each is stored under. */
export const LEVEL_CODES = {
  nodes: 1,
  waiting: 2,
  running: 3,
  busy: 4,
  idle: 5,
  offline: 6,
  nodes_estimated: 7,
  running_estimated: 8,
} as const;

/** Name of a level. */
export type LevelName = keyof typeof LEVEL_CODES;

/** What a level change can be filtered and grouped by. An unknown dimension is null. */
export interface Dimensions {
  readonly tenant: string;
  readonly user: string | null;
  readonly queue: string | null;
  readonly cluster: string | null;
  readonly template: string | null;
  readonly provider: string | null;
  readonly hardware: string | null;
  readonly image: string | null;
  /** Sorted, without repetition. A filter only, never a group: a total must not count a node twice. */
  readonly services: readonly string[];
}

/** A level goes up or down by `d` at the instant `t` (ms). */
export interface LevelChange {
  readonly level: LevelName;
  readonly dims: Dimensions;
  readonly t: number;
  readonly d: number;
}

/**
 * What amounts are summed and members collected under. Whoever makes contributions hands out one object per series
 * where it can: adding to a sum then compares no texts.
 */
export interface Series {
  readonly family: string;
  readonly tenant: string;
  /** Canonical JSON of the labels: names sorted by UTF-16 code units. */
  readonly labels: string;
}

/** An integer summed per series; a bigint where it is no safe integer. */
export interface Amount {
  readonly series: Series;
  readonly value: number | bigint;
}

/** Membership of a scored set: for what time itself changes. `score` is ms. */
export interface Member {
  readonly series: Series;
  readonly member: string;
  readonly score: number;
}

/** Everything an entity adds to the numbers (docs/semantics.md). */
export interface Contributions {
  readonly amounts: Amount[];
  readonly members: Member[];
  readonly changes: LevelChange[];
}

/** A derived fact about another entity: while the link exists, `target` is told of it under `name`. */
export interface Link {
  readonly target: EntityKey;
  readonly name: string;
  /** What the target adds up over all its links; their names it does not keep. */
  readonly sum?: LinkSum;
}

/** Time that accrues: at `now` it comes to `base + rate · now` ms. */
export interface LinkSum {
  readonly base: number;
  readonly rate: number;
}

/**
 * One kind of entity: pure functions from facts to state and from state to contributions. `merge` is
 * commutative: states made from the same set of events contribute the same, whatever the order.
 * All of them are total: whatever the contracts let through folds without throwing.
 */
export interface EntityKind<S> {
  /** State of an entity nothing is known about. */
  empty(key: EntityKey): S;
  /**
   * Adds one fact. May change `state` in place; returns the state to keep. An event must be merged once.
   * @param times how many events like this one there are, for a kind that only counts them.
   */
  merge(state: S, event: CurrentEvent, times?: number): S;
  /** What the entity adds to amounts, members and levels. */
  contributions(key: EntityKey, state: S): Contributions;
  /** Derived facts this entity states about others. */
  links(key: EntityKey, state: S): readonly Link[];
  /** Takes note that a link from another entity appeared (`present`) or went. */
  linked(state: S, link: Pick<Link, 'name' | 'sum'>, present: boolean): S;
}

/** Contributions of an entity that adds nothing. */
export function noContributions(): Contributions {
  return { amounts: [], members: [], changes: [] };
}
