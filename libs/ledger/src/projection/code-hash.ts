import { createHash } from 'node:crypto';
import { type LogEvent, upcast } from '@quipu/contracts';
import {
  type Contributions,
  entityKinds,
  type EntityKey,
  type EntityKind,
  route,
} from '../entities/index.js';
import { CODE_HASH_EVENTS } from '../fixtures/code-hash-events.js';
import { LevelBatch } from '../storage/level-batch.js';
import { type UsageKey, UsageKeyCache } from '../storage/usage-keys.js';
import { entityName } from './entity-cache.js';

let known: string | undefined;

/**
 * Hash of what this code makes of the frozen fixtures, `<fold>:<sums>`: the first half covers upcasters, routes,
 * states and links, the second what states contribute and how it is summed. Behaviour is hashed, not text, so
 * refactoring changes nothing.
 */
export function codeHash(): string {
  known ??= hashOf(CODE_HASH_EVENTS);
  return known;
}

/** Whether states folded under code `storedHash` mean the same to this code, so that summing them again suffices. */
export function canReseed(storedHash: string): boolean {
  return storedHash.split(':')[0] === codeHash().split(':')[0];
}

/**
 * What an operator has to run before this code goes on from tables whose stored hash is `storedHash`: null for nothing
 * (no code has written them yet, or code that means the same), else the subcommand of `projections`.
 */
export function neededBy(storedHash: string): 'reseed' | 'rebuild' | null {
  if (storedHash === '' || storedHash === codeHash()) return null;
  return canReseed(storedHash) ? 'reseed' : 'rebuild';
}

function hashOf(events: readonly LogEvent[]): string {
  const fold = createHash('sha256');
  const sums = createHash('sha256');
  const states = new Map<string, { key: EntityKey; state: unknown }>();
  const levels = new LevelBatch(new UsageKeyCache());
  const entityOf = (key: EntityKey): { key: EntityKey; state: unknown } => {
    const name = entityName(key);
    let entity = states.get(name);
    if (entity === undefined) states.set(name, (entity = { key, state: kindOf(key).empty(key) }));
    return entity;
  };
  for (const original of events) {
    const event = upcast(original);
    const keys = route(event);
    fold.update(JSON.stringify([event, keys]));
    for (const key of keys) {
      const entity = entityOf(key);
      const kind = kindOf(key);
      const before = kind.contributions(key, entity.state);
      const linksBefore = kind.links(key, entity.state);
      entity.state = kind.merge(entity.state, event);
      const links = kind.links(key, entity.state);
      for (const [list, present] of [
        [linksBefore, false],
        [links, true],
      ] as const) {
        for (const link of list) {
          const target = entityOf(link.target);
          target.state = kindOf(link.target).linked(target.state, link, present);
          fold.update(JSON.stringify(target));
          sums.update(textOf(kindOf(link.target).contributions(link.target, target.state)));
        }
      }
      const after = kind.contributions(key, entity.state);
      fold.update(JSON.stringify([entity.state, links]));
      sums.update(textOf(after));
      addLevels(levels, before, after);
    }
  }
  levels.net();
  sums.update(
    JSON.stringify(levels.finish(), (name, value: unknown) => {
      if (name === 'key') return (value as UsageKey[]).map((key) => key.id.toString('hex'));
      if (value instanceof Float64Array || value instanceof Uint8Array) return Array.from(value, String);
      return typeof value === 'bigint' ? String(value) : value;
    }),
  );
  return `${fold.digest('hex').slice(0, 32)}:${sums.digest('hex').slice(0, 32)}`;
}

function textOf(contributions: Contributions): string {
  return JSON.stringify(contributions, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

function addLevels(levels: LevelBatch, before: Contributions, after: Contributions): void {
  for (const change of before.changes) levels.add(change, -1);
  for (const change of after.changes) levels.add(change, 1);
}

function kindOf(key: EntityKey): EntityKind<unknown> {
  return entityKinds[key.kind];
}
