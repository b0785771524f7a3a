import { type GroupedRows } from './grouped-rows.js';
import { type SumRows } from './sum-rows.js';
import { type UsageKey } from './usage-keys.js';

/** How many levels there are; their codes count from 1. */
export const LEVELS = 3;
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
  readonly lowered: LoweredColumns;
  /** Keys that the table may not have yet. */
  readonly newKeys: readonly UsageKey[];
}

/** The columns of the given rows of changes; `groups` name slot and level, `keys` are those of the slots. */
export function changeColumns(
  changes: GroupedRows,
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

/** The columns of the given rows of sums; `groups` name slot, level and bucket kind, `keys` are those of the slots. */
export function sumColumns(sums: SumRows, rows: readonly number[], keys: readonly UsageKey[]): SumColumns {
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
  for (let i = 0; i < length; i++) {
    const row = rows[i]!;
    const group = sums.group[row]!;
    const kind = group % KINDS;
    const added = sums.added[row]!;
    columns.level[i] = (Math.floor(group / KINDS) % LEVELS) + 1;
    columns.key[i] = keys[Math.floor(group / (KINDS * LEVELS))]!;
    columns.kind[i] = kind + 1;
    columns.bucket[i] = sums.time[row]!;
    columns.d[i] = sums.d[row]!;
    columns.n[i] = sums.n[row]!;
    columns.w[i] = sums.small[row]!;
    columns.maxT[i] = kind === 0 && added !== -Infinity ? added : NaN;
    const large = sums.large(row);
    if (large !== undefined) largeW.set(i, large);
  }
  return columns;
}

/** The quarter-hours among the given rows whose latest change may have been taken back. */
export function loweredColumns(
  sums: SumRows,
  rows: readonly number[],
  keys: readonly UsageKey[],
): LoweredColumns {
  const lowered = rows.filter(
    (row) => sums.group[row]! % KINDS === 0 && sums.retracted[row]! > sums.added[row]!,
  );
  return {
    level: lowered.map((row) => (Math.floor(sums.group[row]! / KINDS) % LEVELS) + 1),
    key: lowered.map((row) => keys[Math.floor(sums.group[row]! / (KINDS * LEVELS))]!),
    bucket: lowered.map((row) => sums.time[row]!),
    retracted: lowered.map((row) => sums.retracted[row]!),
  };
}
