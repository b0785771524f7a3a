import type { Column } from '../aggregate/aggregate.js';
import { joinColumns, retain, sliceColumn } from './columns.js';
import type { Reseal } from './pass.js';
import { splitOf } from './split-codec.js';
import type { Tail, TailColumn } from './tail.js';

/** Buckets that stay in the tail when the others move: late points change those more often than older ones. */
const KEPT_IN_TAIL = 8;

/** A split that is to be written. */
export interface SplitWrite {
  readonly method: number;
  readonly granularityNs: bigint;
  readonly split: number;
  readonly column: Column;
}

/** A series of which the splits before one are no longer kept. */
export interface SplitExpiry {
  readonly method: number;
  readonly granularityNs: bigint;
  readonly before: number;
}

/** What resealing a granularity comes to. */
export interface Resealed {
  readonly tail: Tail;
  readonly writes: readonly SplitWrite[];
  readonly expiries: readonly SplitExpiry[];
}

/** What splits hold, by method, each in order. */
export type StoredColumns = ReadonlyMap<number, readonly Column[]>;

/**
 * Moves all but the newest buckets of a granularity from the tail to splits.
 * @param stored what the splits from that of `changedFrom` on hold now.
 */
export function reseal(tail: Tail, change: Reseal, stored: StoredColumns): Resealed {
  const { granularityNs, points, changedFrom } = change;
  const part = tail.find((one) => one.granularityNs === granularityNs);
  if (part === undefined) return { tail, writes: [], expiries: [] };
  const longest = [...part.columns.values()].reduce<Float64Array>(
    (most, { column }) => (column.keys.length > most.length ? column.keys : most),
    new Float64Array(0),
  );
  const sealedTo = Math.max(part.sealedTo, longest[longest.length - KEPT_IN_TAIL] ?? 0);
  const columns = new Map<number, TailColumn>();
  const writes: SplitWrite[] = [];
  const expiries: SplitExpiry[] = [];
  for (const [method, { column, newest }] of part.columns) {
    const before = joinColumns(stored.get(method) ?? []);
    const all = retain(joinColumns([sliceColumn(before, 0, changedFrom), column]), points, newest);
    columns.set(method, { column: sliceColumn(all, sealedTo), newest });
    for (const { split, column: part } of inSplits(sliceColumn(all, 0, sealedTo))) {
      writes.push({ method, granularityNs, split, column: part });
    }
    const oldest = points === null ? 0 : splitOf(newest - points + 1);
    if (oldest > 0) expiries.push({ method, granularityNs, before: oldest });
  }
  return {
    tail: tail.map((one) => (one === part ? { ...part, sealedTo, columns } : one)),
    writes,
    expiries,
  };
}

function inSplits({ keys, values }: Column): { split: number; column: Column }[] {
  const splits: { split: number; column: Column }[] = [];
  for (let from = 0; from < keys.length;) {
    const split = splitOf(keys[from]!);
    let to = from;
    while (to < keys.length && splitOf(keys[to]!) === split) to += 1;
    splits.push({ split, column: { keys: keys.subarray(from, to), values: values.subarray(from, to) } });
    from = to;
  }
  return splits;
}
