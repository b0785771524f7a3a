import { createHash } from 'node:crypto';
import { type Dimensions } from '../entities/types.js';

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
  /** Place among the keys of the batch that is being summed, -1 outside of one. */
  slot: number;
}

/** The four keys a level change is summed under, from the whole tuple to the platform. */
export type UsageKeys = readonly [UsageKey, UsageKey, UsageKey, UsageKey];

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
  return createHash('sha256').update(JSON.stringify(tuple)).digest().subarray(0, 16);
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

/**
 * The usage keys met so far, by tuple: hashing and inserting a key is left out for every change after its first.
 * One tuple is always the same object, so that the sums of a batch can be kept by identity; hence the whole cache
 * is dropped at once, and only between two batches.
 */
export class UsageKeyCache {
  private tuples = new Map<string, UsageKeys>();
  private coarse = new Map<string, UsageKey>();
  private lastDims: Dimensions | null = null;
  private lastKeys: UsageKeys | null = null;

  constructor(private readonly limit = 20_000) {}

  /** The four keys of a tuple. */
  keysOf(dims: Dimensions): UsageKeys {
    // Both ends of an interval, and its other levels, carry the very same object.
    if (dims === this.lastDims) return this.lastKeys!;
    const name = tupleName(dims);
    let keys = this.tuples.get(name);
    if (keys === undefined) {
      keys = [this.make(0, dims), this.shared(1, dims), this.shared(2, dims), this.shared(3, dims)];
      this.tuples.set(name, keys);
    }
    this.lastDims = dims;
    this.lastKeys = keys;
    return keys;
  }

  /** Called between two batches: forgets everything once there is too much of it. */
  trim(): void {
    if (this.tuples.size > this.limit) this.clear();
  }

  /** Forgets everything, in particular what is stored. */
  clear(): void {
    this.tuples = new Map();
    this.coarse = new Map();
    this.lastDims = null;
    this.lastKeys = null;
  }

  private make(grain: Grain, dims: Dimensions): UsageKey {
    const kept = atGrain(dims, grain);
    return { id: usageKeyId(grain, kept), grain, dims: kept, stored: false, slot: -1 };
  }

  private shared(grain: Grain, dims: Dimensions): UsageKey {
    const name = `${grain}${tupleName(atGrain(dims, grain))}`;
    let key = this.coarse.get(name);
    if (key === undefined) {
      key = this.make(grain, dims);
      this.coarse.set(name, key);
    }
    return key;
  }
}
