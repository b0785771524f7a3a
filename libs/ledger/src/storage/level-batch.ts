import { DAY_MS, QUARTER_MS, type BucketKind, monthOf } from '@quipu/metering';
import { LEVEL_CODES, type LevelChange } from '../entities/types.js';
import { ExactSum } from './exact-sum.js';
import { type UsageKey, type UsageKeyCache, type UsageKeys } from './usage-keys.js';

/** What a batch does to one row of `changes`. */
export interface ChangeDelta {
  readonly level: number;
  readonly t: number;
  readonly key: UsageKey;
  d: number;
  n: number;
}

/** What a batch does to one row of `level_sums`. */
export interface SumDelta {
  readonly level: number;
  readonly key: UsageKey;
  readonly kind: BucketKind;
  readonly bucket: number;
  d: number;
  n: number;
  readonly w: ExactSum;
  /** Latest change that the batch adds, ms; -Infinity when it adds none. */
  added: number;
  /** Latest change that the batch takes back, ms; -Infinity when it takes back none. */
  retracted: number;
}

/** Everything a batch does to levels, rows grouped so that neighbours in the tables are written together. */
export interface LevelDeltas {
  readonly changes: ChangeDelta[];
  readonly sums: SumDelta[];
  /** Keys that the tables may not have yet. */
  readonly newKeys: UsageKey[];
}

/** Changes of one tuple at one level, by time. */
interface Track {
  readonly keys: UsageKeys;
  readonly level: number;
  readonly changes: Map<number, ChangeDelta>;
}

/** Rows of one key, at `(level - 1) * 3 + kind - 1`, by bucket. */
interface KeyRows {
  readonly key: UsageKey;
  readonly rows: (Map<number, SumDelta> | undefined)[];
}

/**
 * Nets the level changes of a batch, then sums what is left under its keys and buckets. Netting first matters:
 * an entity that is touched again takes back and repeats nearly everything it contributed before.
 */
export class LevelBatch {
  private readonly tracks = new Map<UsageKeys, (Track | undefined)[]>();
  private lastKeys: UsageKeys | null = null;
  private lastTracks: (Track | undefined)[] | null = null;

  constructor(private readonly cache: UsageKeyCache) {}

  /** Adds a change (`sign` 1) or takes one back (-1). */
  add(change: LevelChange, sign: 1 | -1): void {
    const keys = this.cache.keysOf(change.dims);
    let tracks = this.lastTracks;
    if (tracks === null || keys !== this.lastKeys) {
      tracks = this.tracks.get(keys) ?? [];
      if (tracks.length === 0) this.tracks.set(keys, tracks);
      this.lastKeys = keys;
      this.lastTracks = tracks;
    }
    const level = LEVEL_CODES[change.level];
    const track = (tracks[level] ??= { keys, level, changes: new Map<number, ChangeDelta>() });
    const delta = track.changes.get(change.t);
    if (delta === undefined) {
      track.changes.set(change.t, { level, t: change.t, key: keys[0], d: sign * change.d, n: sign });
    } else {
      delta.d += sign * change.d;
      delta.n += sign;
    }
  }

  /** The rows to write. */
  finish(): LevelDeltas {
    const changes: ChangeDelta[] = [];
    const byKey = new Map<UsageKey, KeyRows>();
    const newKeys: UsageKey[] = [];
    for (const tracks of this.tracks.values()) {
      for (const track of tracks) {
        if (track === undefined) continue;
        const kept = [...track.changes.values()].filter((delta) => delta.n !== 0 || delta.d !== 0);
        if (kept.length === 0) continue;
        kept.sort((a, b) => a.t - b.t);
        for (const delta of kept) changes.push(delta);
        for (const key of track.keys) {
          let rows = byKey.get(key);
          if (rows === undefined) {
            rows = { key, rows: [] };
            byKey.set(key, rows);
            if (!key.stored) newKeys.push(key);
          }
          sumTrack(rows, track.level, kept);
        }
      }
    }
    changes.sort((a, b) => a.level - b.level || a.t - b.t);
    return { changes, sums: collectSums(byKey), newKeys };
  }
}

/** Adds a tuple's changes at one level (ascending times) to the rows of one of its keys. */
function sumTrack({ key, rows }: KeyRows, level: number, changes: readonly ChangeDelta[]): void {
  const slot = (level - 1) * 3;
  const quarters = (rows[slot] ??= new Map<number, SumDelta>());
  const days = (rows[slot + 1] ??= new Map<number, SumDelta>());
  const months = (rows[slot + 2] ??= new Map<number, SumDelta>());
  let quarter: SumDelta | undefined;
  let day: SumDelta | undefined;
  let month: SumDelta | undefined;
  let monthEnd = -Infinity;
  for (const { t, d, n } of changes) {
    const quarterStart = Math.floor(t / QUARTER_MS) * QUARTER_MS;
    if (quarter?.bucket !== quarterStart) {
      quarter = rowOf(quarters, level, key, 1, quarterStart);
      const dayStart = Math.floor(t / DAY_MS) * DAY_MS;
      if (day?.bucket !== dayStart) {
        day = rowOf(days, level, key, 2, dayStart);
        if (month === undefined || dayStart >= monthEnd) {
          const start = monthOf(t);
          month = rowOf(months, level, key, 3, start);
          // The shortest month has 28 days; beyond that its end is looked up day by day.
          monthEnd = Math.max(start + 28 * DAY_MS, dayStart + DAY_MS);
        }
      }
    }
    addTo(quarter, t, d, n);
    addTo(day!, t, d, n);
    addTo(month!, t, d, n);
    if (n > 0) quarter.added = Math.max(quarter.added, t);
    else if (n < 0) quarter.retracted = Math.max(quarter.retracted, t);
  }
}

function addTo(row: SumDelta, t: number, d: number, n: number): void {
  row.d += d;
  row.n += n;
  row.w.addProduct(d, t - row.bucket);
}

function rowOf(
  rows: Map<number, SumDelta>,
  level: number,
  key: UsageKey,
  kind: BucketKind,
  bucket: number,
): SumDelta {
  let row = rows.get(bucket);
  if (row === undefined) {
    row = { level, key, kind, bucket, d: 0, n: 0, w: new ExactSum(), added: -Infinity, retracted: -Infinity };
    rows.set(bucket, row);
  }
  return row;
}

function collectSums(byKey: Map<UsageKey, KeyRows>): SumDelta[] {
  const keys = [...byKey.values()].sort((a, b) => Buffer.compare(a.key.id, b.key.id));
  const sums: SumDelta[] = [];
  for (let slot = 0; slot < 9; slot++) {
    for (const { rows } of keys) {
      for (const row of rows[slot]?.values() ?? []) if (!changesNothing(row)) sums.push(row);
    }
  }
  return sums;
}

/**
 * A change that moves to another tuple leaves the rows of the keys both share as they were. The latest change counts
 * as well: taking back one change and adding others may leave all three sums alike and still move it.
 */
function changesNothing(row: SumDelta): boolean {
  return row.d === 0 && row.n === 0 && row.w.isZero && row.added === row.retracted;
}
