import { type CurrentEvent, type StoredEvent, upcast } from '@quipu/contracts';
import { FoldError } from '@quipu/projection-engine';
import { errorMessage } from '@quipu/platform';
import {
  type Contributions,
  entityKinds,
  type EntityKey,
  type EntityKind,
  type Link,
  counterOf,
  routeAbout,
} from '../entities/index.js';
import { type CachedEntity, entityName } from './entity-cache.js';

/** An event in its newest version and an entity it is a fact for. */
export interface RoutedEvent {
  readonly event: CurrentEvent;
  position: bigint;
  readonly key: EntityKey;
  readonly name: string;
  /** How many events it stands for; one, but for counters. */
  times: number;
}

/** An entity that a batch changes, and what it contributed before. */
export interface TouchedEntity {
  readonly entity: CachedEntity;
  state: unknown;
  readonly before: Contributions;
  /** Links after the last event merged so far. */
  links: readonly Link[];
  lastPosition: bigint;
}

/** A link that appeared or went; told to its target after the entities' own events. */
export interface LinkChange {
  readonly link: Link;
  readonly targetName: string;
  readonly present: boolean;
  readonly position: bigint;
}

const NO_LINKS: readonly Link[] = [];

/** The functions of an entity's kind; states are only ever handed to the kind that made them. */
export function kindOf(key: EntityKey): EntityKind<unknown> {
  return entityKinds[key.kind];
}

/** Finds the entities that each event is a fact for; those that only count events come once, at the end. @throws FoldError */
export function routeEvents(events: readonly StoredEvent[]): RoutedEvent[] {
  const routed: RoutedEvent[] = [];
  const counters = new Map<EntityKey, RoutedEvent>();
  for (const stored of events) {
    const { position } = stored;
    guard(position, stored.type, () => {
      const event = upcast(stored);
      const key = routeAbout(event);
      if (key !== null) routed.push({ event, position, key, name: entityName(key), times: 1 });
      const counter = counterOf(event.tenant, event.type);
      const counted = counters.get(counter);
      if (counted === undefined) {
        counters.set(counter, { event, position, key: counter, name: entityName(counter), times: 1 });
      } else {
        counted.times += 1;
        counted.position = position;
      }
    });
  }
  routed.push(...counters.values());
  return routed;
}

/** What an entity contributes and links before the batch changes it. @throws FoldError */
export function touch(entity: CachedEntity, position: bigint): TouchedEntity {
  const { key, json } = entity;
  const kind = kindOf(key);
  return guard(position, key.id, () => {
    const state: unknown = json === null ? kind.empty(key) : JSON.parse(json);
    const before = kind.contributions(key, state);
    return { entity, state, before, links: kind.links(key, state), lastPosition: position };
  });
}

/**
 * Merges one event and notes which links it made and ended. Links are compared after every event, not once per
 * batch: so their targets take the same steps however the log is cut into batches. @throws FoldError
 */
export function mergeEvent(
  touched: TouchedEntity,
  { event, position, times }: RoutedEvent,
  changes: LinkChange[],
): void {
  const { entity } = touched;
  const kind = kindOf(entity.key);
  guard(position, event.type, () => {
    touched.state = kind.merge(touched.state, event, times);
    touched.lastPosition = position;
    const links = kind.links(entity.key, touched.state);
    if (links.length > 0 || touched.links.length > 0) {
      compareLinks(touched.links, links, position, changes);
      touched.links = links.length === 0 ? NO_LINKS : links;
    }
  });
}

/** Tells the target of a link. @throws FoldError */
export function applyLink(touched: TouchedEntity, change: LinkChange): void {
  guard(change.position, change.link.name, () => {
    touched.state = kindOf(touched.entity.key).linked(touched.state, change.link, change.present);
    if (change.position > touched.lastPosition) touched.lastPosition = change.position;
  });
}

/** What an entity contributes now. @throws FoldError */
export function contributionsNow({ entity, state, lastPosition }: TouchedEntity): Contributions {
  return guard(lastPosition, entity.key.id, () => kindOf(entity.key).contributions(entity.key, state));
}

function compareLinks(
  before: readonly Link[],
  after: readonly Link[],
  position: bigint,
  changes: LinkChange[],
): void {
  const note = (link: Link, present: boolean): void => {
    const targetName = entityName(link.target);
    changes.push({ link, targetName, present, position });
  };
  const left = [...before];
  for (const link of after) {
    // Two runs of one length on one worker are two links.
    const at = left.findIndex((other) => sameLink(link, other));
    if (at < 0) note(link, true);
    else left.splice(at, 1);
  }
  for (const link of left) note(link, false);
}

function sameLink(a: Link, b: Link): boolean {
  return (
    a.name === b.name &&
    a.sum?.base === b.sum?.base &&
    a.sum?.rate === b.sum?.rate &&
    a.target.id === b.target.id &&
    a.target.tenant === b.target.tenant &&
    a.target.kind === b.target.kind
  );
}

/** Names the event whose fold threw: the engine must not take it for a failure that passes by itself. */
function guard<T>(position: bigint, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new FoldError(`Cannot fold ${what} at position ${position}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
