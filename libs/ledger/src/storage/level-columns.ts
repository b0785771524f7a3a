import { type ChangeRows } from './grouped-rows.js';
import { GROUPS, levelAt, PLACES } from './level-places.js';
import { type SumRows } from './sum-rows.js';
import { type UsageKey } from './usage-keys.js';

/** How many levels there can be; their codes count from 1. */
export const LEVELS = GROUPS * PLACES;
/** How many bucket kinds there are; their codes count from 1. */
export const KINDS = 3;

/** What a batch does to `changes`, one column per array. */
export interface ChangeColumns {
  readonly level: Uint8Array;
  readonly t: Float64Array;
  readonly key: readonly UsageKey[];
  readonly d: Float64Array;
  readonly n: Float64Array;
}

/** What a batch does to the sums of one of the levels that stand side by side. */
export interface PlaceColumns {
  readonly d: Float64Array;
  readonly n: Float64Array;
  /** Σ d·(t − bucket) where it is a safe integer. */
  readonly w: Float64Array;
  /** Σ d·(t − bucket) where it is not, by row. */
  readonly largeW: ReadonlyMap<number, bigint>;
  /** Latest change that the batch adds (quarter-hours only), ms; NaN if it adds none. */
  readonly maxT: Float64Array;
}

/** What a batch does to `level_buckets`, one column per array. */
export interface SumColumns {
  /** Group of levels, from 1. */
  readonly group: Uint8Array;
  readonly key: readonly UsageKey[];
  readonly kind: Uint8Array;
  /** Start of the bucket, ms. */
  readonly bucket: Float64Array;
  /** By place of the level in its group. */
  readonly places: readonly PlaceColumns[];
}

/** Quarter-hours whose latest change of one level may have been taken back. */
export interface LoweredColumns {
  /** Place of the level in its group, from 0. */
  readonly place: number;
  readonly level: readonly number[];
  readonly key: readonly UsageKey[];
  readonly bucket: readonly number[];
  /** Latest change that was taken back, ms. */
  readonly retracted: readonly number[];
}

/** Rows that the table cannot have yet, and rows that it may have. */
export interface Sorted<T> {
  readonly fresh: T;
  readonly known: T;
}

/** Everything a batch does to levels, in the order of the tables' primary keys as far as that is cheap. */
export interface LevelDeltas {
  readonly changes: Sorted<ChangeColumns>;
  readonly sums: Sorted<SumColumns>;
  /** By place of the level in its group; places without such quarter-hours are left out. */
  readonly lowered: readonly LoweredColumns[];
  /** Keys that the table may not have yet. */
  readonly newKeys: readonly UsageKey[];
}

/** The columns of the given rows of changes; `groups` name slot and level, `keys` are those of the slots. */
export function changeColumns(
  changes: ChangeRows,
  rows: readonly number[],
  keys: readonly UsageKey[],
): ChangeColumns {
  const { length } = rows;
  const columns = {
    level: new Uint8Array(length),
    t: new Float64Array(length),
    key: new Array<UsageKey>(length),
    d: new Float64Array(length),
    n: new Float64Array(length),
  };
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const group = changes.group[row]!;
    columns.level[i] = (group % LEVELS) + 1;
    columns.t[i] = changes.time[row]!;
    columns.key[i] = keys[Math.floor(group / LEVELS)]!;
    columns.d[i] = changes.d[row]!;
    columns.n[i] = changes.n[row]!;
  }
  return columns;
}

/** The columns of the given rows of sums; `groups` name slot, level group and bucket kind, `keys` are those of the slots. */
export function sumColumns(sums: SumRows, rows: readonly number[], keys: readonly UsageKey[]): SumColumns {
  const { length } = rows;
  const columns = {
    group: new Uint8Array(length),
    key: new Array<UsageKey>(length),
    kind: new Uint8Array(length),
    bucket: new Float64Array(length),
    places: Array.from({ length: PLACES }, (_, place) => placeColumns(sums, rows, place)),
  };
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const group = sums.group[row]!;
    columns.group[i] = (Math.floor(group / KINDS) % GROUPS) + 1;
    columns.key[i] = keys[Math.floor(group / (KINDS * GROUPS))]!;
    columns.kind[i] = (group % KINDS) + 1;
    columns.bucket[i] = sums.time[row]!;
  }
  return columns;
}

function placeColumns(sums: SumRows, rows: readonly number[], place: number): PlaceColumns {
  const { length } = rows;
  const largeW = new Map<number, bigint>();
  const columns = {
    d: new Float64Array(length),
    n: new Float64Array(length),
    w: new Float64Array(length),
    largeW,
    maxT: new Float64Array(length),
  };
  for (let i = 0; i < length; i++) {
    const at = rows[i]! * PLACES + place;
    const added = sums.added[at]!;
    columns.d[i] = sums.d[at]!;
    columns.n[i] = sums.n[at]!;
    columns.w[i] = sums.small[at]!;
    columns.maxT[i] = sums.group[rows[i]!]! % KINDS === 0 && added !== -Infinity ? added : NaN;
    const large = sums.large(at);
    if (large !== undefined) largeW.set(i, large);
  }
  return columns;
}

/** The quarter-hours among the given rows whose latest change may have been taken back. */
export function loweredColumns(
  sums: SumRows,
  rows: readonly number[],
  keys: readonly UsageKey[],
): LoweredColumns[] {
  const quarters = rows.filter((row) => sums.group[row]! % KINDS === 0);
  const found: LoweredColumns[] = [];
  for (let place = 0; place < PLACES; place++) {
    const lowered = quarters.filter(
      (row) => sums.retracted[row * PLACES + place]! > sums.added[row * PLACES + place]!,
    );
    if (lowered.length === 0) continue;
    found.push({
      place,
      level: lowered.map((row) => levelAt(Math.floor(sums.group[row]! / KINDS) % GROUPS, place)),
      key: lowered.map((row) => keys[Math.floor(sums.group[row]! / (KINDS * GROUPS))]!),
      bucket: lowered.map((row) => sums.time[row]!),
      retracted: lowered.map((row) => sums.retracted[row * PLACES + place]!),
    });
  }
  return found;
}
