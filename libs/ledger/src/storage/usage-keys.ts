import { createHash } from 'node:crypto';
import { type Dimensions } from '../entities/types.js';
import { GROUPS } from './level-places.js';

/** Which dimensions a usage key keeps: 0 all, 1 all but the cluster, 2 the tenant, 3 none (the platform). */
export type Grain = 0 | 1 | 2 | 3;

/** One row of `usage_keys`, and whether the table is known to have it. */
export interface UsageKey {
  /** First 16 bytes of the SHA-256 of the key's canonical JSON: the same everywhere and for ever. */
  readonly id: Buffer;
  readonly grain: Grain;
  readonly dims: Omit<Dimensions, 'tenant'> & { readonly tenant: string | null };
  /** A transaction that inserted the key was committed. */
  stored: boolean;
  /**
   * By group of levels the start of the latest quarter-hour that may have a row, ms: -Infinity for none, NaN while
   * nobody has looked. Later ones have no row for certain, since only the projection adds any.
   */
  readonly latest: number[];
  /** Place among the keys of the batch that is being summed, -1 outside of one. */
  slot: number;
}

/** The four keys a level change is summed under, from the whole tuple to the platform. */
export type UsageKeys = readonly [UsageKey, UsageKey, UsageKey, UsageKey];

/** Of a key that nobody has looked up yet. */
const UNKNOWN: readonly number[] = new Array<number>(GROUPS).fill(NaN);

const NOTHING = {
  tenant: null,
  user: null,
  queue: null,
  cluster: null,
  template: null,
  provider: null,
  hardware: null,
  image: null,
  services: [],
} as const;

/** What stays of `dims` at a grain. */
export function atGrain(dims: Dimensions, grain: Grain): UsageKey['dims'] {
  if (grain === 0) return dims;
  if (grain === 1) return { ...dims, cluster: null };
  return grain === 2 ? { ...NOTHING, tenant: dims.tenant } : NOTHING;
}

/** `usage_keys.key_id` (16 bytes) of a tuple at a grain; the grain is part of it, since both may name the same tuple. */
export function usageKeyId(grain: Grain, dims: UsageKey['dims']): Buffer {
  const { tenant, user, queue, cluster, template, provider, hardware, image, services } = dims;
  const tuple = [grain, tenant, user, queue, cluster, template, provider, hardware, image, services];
  const digest = createHash('sha256').update(JSON.stringify(tuple)).digest();
  // Copied into a shared slab: a digest of its own costs several times its 16 bytes, for each of many keys.
  return Buffer.from(digest.subarray(0, 16));
}

/** No value may contain NUL (the contracts refuse it), so it separates; the letter tells null from text. */
function field(value: string | null): string {
  return value === null ? '\0n' : `\0t${value}`;
}

function tupleName(dims: UsageKey['dims']): string {
  let name =
    field(dims.tenant) +
    field(dims.user) +
    field(dims.queue) +
    field(dims.cluster) +
    field(dims.template) +
    field(dims.provider) +
    field(dims.hardware) +
    field(dims.image);
  for (const service of dims.services) name += `\0s${service}`;
  return name;
}

/** Keys of one age. */
interface Generation {
  readonly tuples: Map<string, UsageKeys>;
  /** Keys that several tuples share, by grain and tuple. */
  readonly coarse: Map<string, UsageKey>;
}

/**
 * The usage keys met lately, by tuple: hashing, inserting and looking a key up is left out for every change after its
 * first. One tuple is always the same object, so that the sums of a batch can be kept by identity.
 *
 * Keys are dropped by generations, and only between two batches: what the batch that is being written has used is at
 * most one generation old, so that what it made true of a key is never forgotten before the tables show it.
 */
export class UsageKeyCache {
  private young: Generation = { tuples: new Map(), coarse: new Map() };
  private old: Generation = { tuples: new Map(), coarse: new Map() };
  private lastDims: Dimensions | null = null;
  private lastKeys: UsageKeys | null = null;

  /** @param limit tuples of one generation. */
  constructor(private readonly limit = 10_000) {}

  /** The four keys of a tuple. */
  keysOf(dims: Dimensions): UsageKeys {
    // Both ends of an interval, and its other levels, carry the very same object.
    if (dims === this.lastDims) return this.lastKeys!;
    const name = tupleName(dims);
    let keys = this.young.tuples.get(name);
    if (keys === undefined) {
      const whole = this.old.tuples.get(name)?.[0] ?? make(0, dims);
      keys = [whole, this.shared(1, dims), this.shared(2, dims), this.shared(3, dims)];
      this.young.tuples.set(name, keys);
    }
    this.lastDims = dims;
    this.lastKeys = keys;
    return keys;
  }

  /** Called between two batches: a full generation grows old, and the one before is forgotten. */
  trim(): void {
    if (this.young.tuples.size <= this.limit) return;
    this.old = this.young;
    this.young = { tuples: new Map(), coarse: new Map() };
    this.lastDims = null;
    this.lastKeys = null;
  }

  /** Forgets everything, in particular what is stored. */
  clear(): void {
    this.young = { tuples: new Map(), coarse: new Map() };
    this.old = { tuples: new Map(), coarse: new Map() };
    this.lastDims = null;
    this.lastKeys = null;
  }

  /** The one object for a key that several tuples share. */
  private shared(grain: Grain, dims: Dimensions): UsageKey {
    const name = `${grain}${tupleName(atGrain(dims, grain))}`;
    let key = this.young.coarse.get(name);
    if (key === undefined) {
      key = this.old.coarse.get(name) ?? make(grain, dims);
      this.young.coarse.set(name, key);
    }
    return key;
  }
}

function make(grain: Grain, dims: Dimensions): UsageKey {
  const kept = atGrain(dims, grain);
  return { id: usageKeyId(grain, kept), grain, dims: kept, stored: false, latest: UNKNOWN.slice(), slot: -1 };
}
