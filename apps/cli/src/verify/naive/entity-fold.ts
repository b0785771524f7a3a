import type { CurrentEvent } from '@quipu/contracts';
import type { Contributions } from './contributions.js';

/** What the facts of one entity say about a worker, which its own facts and those of jobs make up. */
export type WorkerPart =
  | { readonly self: WorkerSelf }
  /** A job holds it. */
  | { readonly held: true }
  /** A job ran on it, from `start` (ms since the epoch); `end` is null while it does. */
  | { readonly ran: { readonly start: number; readonly end: number | null } };

/** What the worker's own facts come to. */
export interface WorkerSelf {
  /** It is registered and not retired. */
  readonly exists: boolean;
  readonly inTouch: boolean;
  readonly enabled: boolean;
  readonly pool: string;
  readonly type: string;
  readonly hostArchitecture: string;
  readonly architectures: readonly string[];
}

/** What the facts of one entity say about a user. */
export type UserPart =
  | { readonly record: { readonly active: boolean; readonly system: boolean } }
  | { readonly removed: true }
  /** An identity at that issuer. */
  | { readonly issuer: string }
  /** They began a root workflow in the scope, at that time (ms since the epoch). */
  | { readonly began: { readonly scope: string; readonly time: number } };

/** What the facts of one entity say about a host. */
export type HostPart =
  | { readonly reported: Readonly<Record<string, unknown>> }
  /** An open alert names it. */
  | { readonly alert: true };

/** A fact about an entity that facts of others are about as well; `id` is its subject. */
export type Part = { readonly tenant: string; readonly id: string } & (
  | { readonly root: 'worker'; readonly says: WorkerPart }
  | { readonly root: 'user'; readonly says: UserPart }
  | { readonly root: 'host'; readonly says: HostPart }
);

/** What the events of one subject come to. */
export interface Folded {
  /** What depends on nothing else. */
  readonly contributions: Contributions;
  /** What it says about entities whose contributions depend on others too. */
  readonly parts: readonly Part[];
}

/** The events of one subject of a tenant, told in any order, repeated or not. */
export interface EntityFold {
  /** Takes one more event into account. */
  add(event: CurrentEvent): void;
  /** What all of them come to. */
  close(): Folded;
}
