import { type EntityKey } from '../entities/types.js';

/**
 * An entity as the cache holds it: its state as text. A state is many small objects that a garbage collector has to
 * follow for as long as they live; one string is not, and most entities are not touched again soon.
 */
export interface CachedEntity {
  readonly key: EntityKey;
  /** JSON of the state, as of the last batch that was folded; null while nothing is known of the entity. */
  json: string | null;
  /** The table has it, or a batch under way will insert it. */
  stored: boolean;
  /** Batches under way that changed it: while there are any, the table is behind. */
  pins: number;
}

/** Name of an entity among all; no part may contain NUL. */
export function entityName(key: EntityKey): string {
  return `${key.kind}\0${key.tenant}\0${key.id}`;
}

/** Most characters of JSON, entries included. */
const DEFAULT_LIMIT = 4_000_000;

/** What an entry costs beside its state. */
const ENTRY_WEIGHT = 300;

/** The least recently used entities are dropped first; pinned ones never. */
export class EntityCache {
  private entries = new Map<string, CachedEntity>();
  private weight = 0;

  constructor(private readonly limit = DEFAULT_LIMIT) {}

  /** The entity, which becomes the most recently used one. */
  get(name: string): CachedEntity | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    this.entries.delete(name);
    this.entries.set(name, entry);
    return entry;
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Adds an entity; there must be none of that name. */
  add(name: string, entry: CachedEntity): void {
    this.entries.set(name, entry);
    this.weight += (entry.json?.length ?? 0) + ENTRY_WEIGHT;
  }

  /** Keeps a new state. */
  put(entry: CachedEntity, json: string): void {
    this.weight += json.length - (entry.json?.length ?? 0);
    entry.json = json;
  }

  /** Drops what is over the limit. */
  trim(): void {
    if (this.weight <= this.limit) return;
    for (const [name, entry] of this.entries) {
      if (entry.pins > 0) continue;
      this.entries.delete(name);
      this.weight -= (entry.json?.length ?? 0) + ENTRY_WEIGHT;
      if (this.weight <= this.limit) return;
    }
  }

  clear(): void {
    this.entries = new Map();
    this.weight = 0;
  }
}
