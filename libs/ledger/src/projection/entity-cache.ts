import { type EntityKey } from '../entities/types.js';

/** An entity as the fold holds it. */
export interface CachedEntity {
  readonly key: EntityKey;
  state: unknown;
  /** The table has it, or a batch under way will insert it. */
  stored: boolean;
  /** Batches under way that changed it: while there are any, the table is behind. */
  pins: number;
  /** Length of the state's JSON, as a measure of memory. */
  weight: number;
}

/** Name of an entity among all; no part may contain NUL. */
export function entityName(key: EntityKey): string {
  return `${key.kind}\0${key.tenant}\0${key.id}`;
}

/** JSON characters of all cached states; in memory they take about five times as much. */
const DEFAULT_LIMIT = 12_000_000;

/** What an entry costs beside its state. */
const ENTRY_WEIGHT = 200;

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
    this.weight += entry.weight + ENTRY_WEIGHT;
  }

  /** Notes that a state has grown or shrunk. */
  weigh(entry: CachedEntity, weight: number): void {
    this.weight += weight - entry.weight;
    entry.weight = weight;
  }

  /** Drops what is over the limit. */
  trim(): void {
    if (this.weight <= this.limit) return;
    for (const [name, entry] of this.entries) {
      if (entry.pins > 0) continue;
      this.entries.delete(name);
      this.weight -= entry.weight + ENTRY_WEIGHT;
      if (this.weight <= this.limit) return;
    }
  }

  clear(): void {
    this.entries = new Map();
    this.weight = 0;
  }
}
