import { DAY_MS, monthOf, QUARTER_MS } from '@quipu/metering';
import { LEVEL_CODES, type LevelChange } from '../entities/types.js';
import { ChangeRows } from './grouped-rows.js';
import {
  changeColumns,
  KINDS,
  type LevelDeltas,
  LEVELS,
  loweredColumns,
  sumColumns,
} from './level-columns.js';
import { GROUPS, groupOfLevel, PLACES, placeOfLevel } from './level-places.js';
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
  private readonly changes = new ChangeRows();
  /** Sums by whole tuple and quarter-hour, of which all others are made: most changes meet others of their tuple there. */
  private readonly quarters = new SumRows();
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
    for (let i = 0; i < kept.length; i++) {
      const row = kept[i]!;
      const code = (group[row]! % LEVELS) + 1;
      const tuple = Math.floor(group[row]! / LEVELS);
      const quarter = this.quarters.rowOf(tuple * GROUPS + groupOfLevel(code), quarterOf(time[row]!));
      this.quarters.add(quarter * PLACES + placeOfLevel(code), time[row]!, d[row]!, n[row]!);
    }
    const unknown = new Set<UsageKey>();
    for (let row = 0; row < this.quarters.count; row++) this.sumUp(row, unknown);
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
        quarterOf(changes.time[row]!) >
        keys[Math.floor(group / LEVELS)]!.latest[groupOfLevel((group % LEVELS) + 1)]!;
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
    this.quarters.clear();
    this.sums.clear();
  }

  private slotOf(key: UsageKey): number {
    if (key.slot < 0) {
      key.slot = this.keys.length;
      this.keys.push(key);
    }
    return key.slot;
  }

  /** Adds a quarter-hour of a tuple to its four keys' quarter-hour, day and month. */
  private sumUp(row: number, unknown: Set<UsageKey>): void {
    const { quarters, sums } = this;
    const levels = quarters.group[row]! % GROUPS;
    const quarter = quarters.time[row]!;
    const day = Math.floor(quarter / DAY_MS) * DAY_MS;
    if (day !== this.month.day) this.month = { day, start: monthOf(quarter) };
    const tuple = this.tuples[Math.floor(quarters.group[row]! / GROUPS)]!;
    for (let grain = 0; grain < tuple.length; grain++) {
      const key = tuple[grain]!;
      if (Number.isNaN(key.latest[0])) unknown.add(key);
      const group = (this.slotOf(key) * GROUPS + levels) * KINDS;
      const into = [
        sums.rowOf(group, quarter),
        sums.rowOf(group + 1, day),
        sums.rowOf(group + 2, this.month.start),
      ];
      for (let place = 0; place < PLACES; place++) {
        if (quarters.unchanged(row * PLACES + place)) continue;
        for (const each of into) sums.addPlace(each * PLACES + place, quarters, row * PLACES + place);
      }
    }
  }

  /** The rows that change anything, by (level group, key, bucket kind, bucket), and their keys. */
  private sortSums(): { fresh: number[]; known: number[]; used: UsageKey[] } {
    const { head, next } = this.chain();
    const byId = [...this.keys].sort((a, b) => Buffer.compare(a.id, b.id));
    const used = new Set<UsageKey>();
    const fresh: number[] = [];
    const known: number[] = [];
    for (let levels = 0; levels < GROUPS; levels++) {
      for (let at = 0; at < byId.length; at++) {
        const key = byId[at]!;
        const latest = key.latest[levels]!;
        const first = (key.slot * GROUPS + levels) * KINDS;
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
    const head = new Int32Array(this.keys.length * GROUPS * KINDS).fill(-1);
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
      const levels = Math.floor(group[row]! / KINDS) % GROUPS;
      const { latest } = this.keys[Math.floor(group[row]! / (KINDS * GROUPS))]!;
      if (time[row]! > latest[levels]!) latest[levels] = time[row]!;
    }
  }

  /** A change that moves to another tuple leaves the rows of the keys both share as they were. */
  private changesNothing(row: number): boolean {
    for (let place = row * PLACES; place < (row + 1) * PLACES; place++)
      if (!this.sums.unchanged(place)) return false;
    return true;
  }
}

function quarterOf(t: number): number {
  return Math.floor(t / QUARTER_MS) * QUARTER_MS;
}
