import { DAY_MS, monthOf, QUARTER_MS } from '@quipu/metering';
import { LEVEL_CODES, type LevelChange } from '../entities/types.js';
import { GroupedRows } from './grouped-rows.js';
import {
  changeColumns,
  KINDS,
  type LevelDeltas,
  LEVELS,
  loweredColumns,
  sumColumns,
} from './level-columns.js';
import { SumRows } from './sum-rows.js';
import { type UsageKey, type UsageKeyCache, type UsageKeys } from './usage-keys.js';

/**
 * Nets the level changes of a batch, then sums what is left under its keys and buckets. Netting first matters: an
 * entity that is touched again takes back and repeats nearly everything it contributed before. One instance serves
 * all batches, one after the other; its columns grow to what the largest batch needed.
 *
 * A batch goes through `add`, `net` and `finish`. In between, the caller may tell the keys that `net` names which
 * quarter-hours they have: rows behind the latest one need no look at the table before they are inserted.
 */
export class LevelBatch {
  private readonly changes = new GroupedRows();
  private readonly sums = new SumRows();
  /** Keys met in this batch; a key's slot is its place here. */
  private keys: UsageKey[] = [];
  /** The four keys of the tuple whose whole-tuple key has this slot. */
  private tuples: (UsageKeys | undefined)[] = [];
  /** Changes that are left after netting, by (level, time). */
  private kept: number[] = [];
  private month = { day: NaN, start: NaN };

  constructor(private readonly cache: UsageKeyCache) {}

  /** Adds a change (`sign` 1) or takes one back (-1). */
  add(change: LevelChange, sign: 1 | -1): void {
    const tuple = this.cache.keysOf(change.dims);
    const slot = this.slotOf(tuple[0]);
    this.tuples[slot] = tuple;
    const row = this.changes.rowOf(slot * LEVELS + LEVEL_CODES[change.level] - 1, change.t);
    this.changes.d[row] = this.changes.d[row]! + sign * change.d;
    this.changes.n[row] = this.changes.n[row]! + sign;
  }

  /** Nets what was added and sums it; answers with the keys whose latest quarter-hours are not known. */
  net(): UsageKey[] {
    const { group, time, d, n, count } = this.changes;
    const kept: number[] = [];
    for (let row = 0; row < count; row++) if (n[row] !== 0 || d[row] !== 0) kept.push(row);
    kept.sort((a, b) => (group[a]! % LEVELS) - (group[b]! % LEVELS) || time[a]! - time[b]!);
    const unknown = new Set<UsageKey>();
    for (let i = 0; i < kept.length; i++) {
      const row = kept[i]!;
      const tuple = this.tuples[Math.floor(group[row]! / LEVELS)]!;
      for (let grain = 0; grain < tuple.length; grain++) {
        const key = tuple[grain]!;
        if (Number.isNaN(key.latest[0])) unknown.add(key);
        this.sum(this.slotOf(key), group[row]! % LEVELS, time[row]!, d[row]!, n[row]!);
      }
    }
    this.kept = kept;
    return [...unknown];
  }

  /** The rows to write; begins the next batch. */
  finish(): LevelDeltas {
    const { changes, sums, keys } = this;
    const freshChanges: number[] = [];
    const knownChanges: number[] = [];
    for (let i = 0; i < this.kept.length; i++) {
      const row = this.kept[i]!;
      const group = changes.group[row]!;
      const isFresh =
        quarterOf(changes.time[row]!) > keys[Math.floor(group / LEVELS)]!.latest[group % LEVELS]!;
      (isFresh ? freshChanges : knownChanges).push(row);
    }
    const { fresh, known, used } = this.sortSums();
    const deltas: LevelDeltas = {
      changes: {
        fresh: changeColumns(changes, freshChanges, keys),
        known: changeColumns(changes, knownChanges, keys),
      },
      sums: { fresh: sumColumns(sums, fresh, keys), known: sumColumns(sums, known, keys) },
      lowered: loweredColumns(sums, known, keys),
      newKeys: used.filter((key) => !key.stored),
    };
    this.noteLatest(fresh);
    this.clear();
    return deltas;
  }

  /** Forgets the batch. */
  clear(): void {
    for (const key of this.keys) key.slot = -1;
    this.keys = [];
    this.tuples = [];
    this.kept = [];
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

  private sum(slot: number, level: number, t: number, d: number, n: number): void {
    const { sums } = this;
    const group = (slot * LEVELS + level) * KINDS;
    const day = Math.floor(t / DAY_MS) * DAY_MS;
    if (day !== this.month.day) this.month = { day, start: monthOf(t) };
    const quarter = sums.rowOf(group, quarterOf(t));
    sums.add(quarter, t, d, n);
    if (n > 0 && t > sums.added[quarter]!) sums.added[quarter] = t;
    if (n < 0 && t > sums.retracted[quarter]!) sums.retracted[quarter] = t;
    sums.add(sums.rowOf(group + 1, day), t, d, n);
    sums.add(sums.rowOf(group + 2, this.month.start), t, d, n);
  }

  /** The rows that change anything, by (level, key, bucket kind, bucket), and their keys. */
  private sortSums(): { fresh: number[]; known: number[]; used: UsageKey[] } {
    const { head, next } = this.chain();
    const byId = [...this.keys].sort((a, b) => Buffer.compare(a.id, b.id));
    const used = new Set<UsageKey>();
    const fresh: number[] = [];
    const known: number[] = [];
    for (let level = 0; level < LEVELS; level++) {
      for (let at = 0; at < byId.length; at++) {
        const key = byId[at]!;
        const latest = key.latest[level]!;
        const first = (key.slot * LEVELS + level) * KINDS;
        for (let chain = first; chain < first + KINDS; chain++) {
          for (let row = head[chain]!; row >= 0; row = next[row]!) {
            if (this.changesNothing(row)) continue;
            // A day or month that begins behind the latest quarter-hour holds no change either.
            (this.sums.time[row]! > latest ? fresh : known).push(row);
            used.add(key);
          }
        }
      }
    }
    return { fresh, known, used: [...used] };
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

  /** Keys whose latest quarter-hours are not known stay so: NaN compares with nothing. */
  private noteLatest(fresh: readonly number[]): void {
    const { group, time } = this.sums;
    for (let i = 0; i < fresh.length; i++) {
      const row = fresh[i]!;
      if (group[row]! % KINDS !== 0) continue;
      const level = Math.floor(group[row]! / KINDS) % LEVELS;
      const { latest } = this.keys[Math.floor(group[row]! / (KINDS * LEVELS))]!;
      if (time[row]! > latest[level]!) latest[level] = time[row]!;
    }
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

function quarterOf(t: number): number {
  return Math.floor(t / QUARTER_MS) * QUARTER_MS;
}
