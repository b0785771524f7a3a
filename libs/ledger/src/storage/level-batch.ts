import { DAY_MS, QUARTER_MS, monthOf } from '@quipu/metering';
import { LEVEL_CODES, type LevelChange } from '../entities/types.js';
import { GroupedRows } from './grouped-rows.js';
import { SumRows } from './sum-rows.js';
import { type UsageKey, type UsageKeyCache, type UsageKeys } from './usage-keys.js';

/** What a batch does to `changes`, one column per array. */
export interface ChangeColumns {
  readonly level: Uint8Array;
  readonly t: Float64Array;
  readonly key: readonly UsageKey[];
  readonly d: Float64Array;
  readonly n: Float64Array;
}

/** What a batch does to `level_sums`, one column per array. */
export interface SumColumns {
  readonly level: Uint8Array;
  readonly key: readonly UsageKey[];
  readonly kind: Uint8Array;
  /** Start of the bucket, ms. */
  readonly bucket: Float64Array;
  readonly d: Float64Array;
  readonly n: Float64Array;
  /** Σ d·(t − bucket) where it is a safe integer. */
  readonly w: Float64Array;
  /** Σ d·(t − bucket) where it is not, by place. */
  readonly largeW: ReadonlyMap<number, bigint>;
  /** Latest change that the batch adds (quarter-hours only), ms; NaN if it adds none. */
  readonly maxT: Float64Array;
}

/** Quarter-hours whose latest change may have been taken back. */
export interface LoweredColumns {
  readonly level: number[];
  readonly key: UsageKey[];
  readonly bucket: number[];
  /** Latest change that was taken back, ms. */
  readonly retracted: number[];
}

/** Everything a batch does to levels, in the order of the tables' primary keys as far as that is cheap. */
export interface LevelDeltas {
  readonly changes: ChangeColumns;
  readonly sums: SumColumns;
  readonly lowered: LoweredColumns;
  /** Keys that the table may not have yet. */
  readonly newKeys: UsageKey[];
}

const LEVELS = 3;
const KINDS = 3;
const QUARTER = 0;

/**
 * Nets the level changes of a batch, then sums what is left under its keys and buckets. Netting first matters: an
 * entity that is touched again takes back and repeats nearly everything it contributed before. One instance serves
 * all batches, one after the other; its columns grow to what the largest batch needed.
 */
export class LevelBatch {
  private readonly changes = new GroupedRows();
  private readonly sums = new SumRows();
  /** Keys met in this batch; a key's slot is its place here. */
  private keys: UsageKey[] = [];
  /** The four keys of the tuple whose whole-tuple key has this slot. */
  private tuples: (UsageKeys | undefined)[] = [];
  private month = { day: NaN, start: NaN };

  constructor(private readonly cache: UsageKeyCache) {}

  /** Adds a change (`sign` 1) or takes one back (-1). */
  add(change: LevelChange, sign: 1 | -1): void {
    const tuple = this.cache.keysOf(change.dims);
    const slot = this.slotOf(tuple[0]);
    this.tuples[slot] = tuple;
    const row = this.changes.rowOf(slot * (LEVELS + 1) + LEVEL_CODES[change.level], change.t);
    this.changes.d[row] = this.changes.d[row]! + sign * change.d;
    this.changes.n[row] = this.changes.n[row]! + sign;
  }

  /** The rows to write; begins the next batch. */
  finish(): LevelDeltas {
    const changes = this.netChanges();
    const { sums, lowered } = this.collectSums();
    const newKeys = this.keys.filter((key) => !key.stored);
    this.clear();
    return { changes, sums, lowered, newKeys };
  }

  /** Forgets the batch. */
  clear(): void {
    for (const key of this.keys) key.slot = -1;
    this.keys = [];
    this.tuples = [];
    this.changes.clear();
    this.sums.clear();
  }

  private slotOf(key: UsageKey): number {
    if (key.slot < 0) {
      key.slot = this.keys.length;
      this.keys.push(key);
    }
    return key.slot;
  }

  /** Collects the changes by (level, time) and sums them on the way, so that buckets come in order as well. */
  private netChanges(): ChangeColumns {
    const { group, time, d, n, count } = this.changes;
    const kept: number[] = [];
    for (let row = 0; row < count; row++) if (n[row] !== 0 || d[row] !== 0) kept.push(row);
    kept.sort((a, b) => (group[a]! & LEVELS) - (group[b]! & LEVELS) || time[a]! - time[b]!);
    const { length } = kept;
    const columns = {
      level: new Uint8Array(length),
      t: new Float64Array(length),
      key: new Array<UsageKey>(length),
      d: new Float64Array(length),
      n: new Float64Array(length),
    };
    for (let i = 0; i < length; i++) {
      const row = kept[i]!;
      const level = group[row]! & LEVELS;
      const tuple = this.tuples[group[row]! >> 2]!;
      columns.level[i] = level;
      columns.t[i] = time[row]!;
      columns.key[i] = tuple[0];
      columns.d[i] = d[row]!;
      columns.n[i] = n[row]!;
      for (let grain = 0; grain < tuple.length; grain++) {
        this.sum(this.slotOf(tuple[grain]!), level, time[row]!, d[row]!, n[row]!);
      }
    }
    return columns;
  }

  private sum(slot: number, level: number, t: number, d: number, n: number): void {
    const { sums } = this;
    const group = (slot * LEVELS + level - 1) * KINDS;
    const day = Math.floor(t / DAY_MS) * DAY_MS;
    if (day !== this.month.day) this.month = { day, start: monthOf(t) };
    const quarter = sums.rowOf(group + QUARTER, Math.floor(t / QUARTER_MS) * QUARTER_MS);
    sums.add(quarter, t, d, n);
    if (n > 0 && t > sums.added[quarter]!) sums.added[quarter] = t;
    if (n < 0 && t > sums.retracted[quarter]!) sums.retracted[quarter] = t;
    sums.add(sums.rowOf(group + 1, day), t, d, n);
    sums.add(sums.rowOf(group + 2, this.month.start), t, d, n);
  }

  /** Collects the sums by (level, key, bucket kind, bucket). */
  private collectSums(): Pick<LevelDeltas, 'sums' | 'lowered'> {
    const { group, time, d, n, added, retracted } = this.sums;
    const rows = this.rowsInOrder();
    const { length } = rows;
    const largeW = new Map<number, bigint>();
    const columns = {
      level: new Uint8Array(length),
      key: new Array<UsageKey>(length),
      kind: new Uint8Array(length),
      bucket: new Float64Array(length),
      d: new Float64Array(length),
      n: new Float64Array(length),
      w: new Float64Array(length),
      largeW,
      maxT: new Float64Array(length),
    };
    const lowered: LoweredColumns = { level: [], key: [], bucket: [], retracted: [] };
    for (let i = 0; i < length; i++) {
      const row = rows[i]!;
      const kind = group[row]! % KINDS;
      const level = (Math.floor(group[row]! / KINDS) % LEVELS) + 1;
      const key = this.keys[Math.floor(group[row]! / (KINDS * LEVELS))]!;
      columns.level[i] = level;
      columns.key[i] = key;
      columns.kind[i] = kind + 1;
      columns.bucket[i] = time[row]!;
      columns.d[i] = d[row]!;
      columns.n[i] = n[row]!;
      columns.w[i] = this.sums.small[row]!;
      const large = this.sums.large(row);
      if (large !== undefined) largeW.set(i, large);
      columns.maxT[i] = kind === QUARTER && added[row] !== -Infinity ? added[row]! : NaN;
      if (kind !== QUARTER || retracted[row]! <= added[row]!) continue;
      lowered.level.push(level);
      lowered.key.push(key);
      lowered.bucket.push(time[row]!);
      lowered.retracted.push(retracted[row]!);
    }
    return { sums: columns, lowered };
  }

  /** The rows that change anything, by (level, key, bucket kind, bucket). */
  private rowsInOrder(): number[] {
    const { head, next } = this.chain();
    const byId = [...this.keys].sort((a, b) => Buffer.compare(a.id, b.id));
    const rows: number[] = [];
    for (let level = 0; level < LEVELS; level++) {
      for (let at = 0; at < byId.length; at++) {
        const first = (byId[at]!.slot * LEVELS + level) * KINDS;
        for (let chain = first; chain < first + KINDS; chain++) {
          for (let row = head[chain]!; row >= 0; row = next[row]!)
            if (!this.changesNothing(row)) rows.push(row);
        }
      }
    }
    return rows;
  }

  /** Rows of each group as a list, in the order they were made. */
  private chain(): { head: Int32Array; next: Int32Array } {
    const { count, group } = this.sums;
    const head = new Int32Array(this.keys.length * LEVELS * KINDS).fill(-1);
    const next = new Int32Array(count);
    for (let row = count - 1; row >= 0; row--) {
      next[row] = head[group[row]!]!;
      head[group[row]!] = row;
    }
    return { head, next };
  }

  /**
   * A change that moves to another tuple leaves the rows of the keys both share as they were. The latest change
   * counts as well: taking back one change and adding others may leave all three sums alike and still move it.
   */
  private changesNothing(row: number): boolean {
    const { d, n, small, added, retracted } = this.sums;
    if (d[row] !== 0 || n[row] !== 0 || added[row] !== retracted[row]) return false;
    return Number(this.sums.large(row) ?? small[row]) === 0;
  }
}
