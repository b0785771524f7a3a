import { Aggregator } from '../aggregate/aggregate.js';
import { fromNs, Grid, instantAt, isBefore, toNs } from '../aggregate/grid.js';
import { groupPoints } from '../aggregate/groups.js';
import { firstFrom, type Instant, NO_POINTS, type Points, slicePoints } from '../measures/points.js';
import type { ArchivePolicy } from '../policy/archive-policy.js';
import { isRate, methodCode } from '../policy/methods.js';
import { backBlocks, blockNs } from '../policy/window.js';
import { ColumnReplacer, retain } from './columns.js';
import { mergePoints, pointsFrom, sortIncoming } from './merge-points.js';
import type { Tail, TailColumn, TailPart } from './tail.js';

/** What is kept of a metric between passes, besides its splits. */
export interface SeriesState {
  /** The points that may still change a bucket, in order of time. */
  readonly raw: Points;
  readonly tail: Tail;
  /** Points from here on may be taken: of the buckets they are in, all points are there. Null: any point. */
  readonly openFrom: Instant | null;
}

/** A metric without measures. */
export const NEW_SERIES: SeriesState = { raw: NO_POINTS, tail: [], openFrom: null };

/** A granularity of which buckets that are in splits must change, or the tail is full: splits are to be rewritten. */
export interface Reseal {
  readonly granularityNs: bigint;
  readonly points: number | null;
  /** Buckets of the splits from this one on are replaced by those of the tail. */
  readonly changedFrom: number;
}

/** What a pass makes of a metric. */
export interface PassResult {
  readonly state: SeriesState;
  readonly reseals: readonly Reseal[];
  /** Points that were taken. */
  readonly taken: number;
  /** Points that were too old. */
  readonly late: number;
  /** When the newest point was that was taken; null if none was. */
  readonly newest: Instant | null;
}

/** Values a tail holds of a granularity before they move to splits. */
const TAIL_VALUES = 1_024;
/** Far more than stay there when the others move: else every new bucket would rewrite a split of every method. */
const LEAST_TAIL_BUCKETS = 64;

/** Points that are kept of a metric at most: each pass reads and writes all of them. */
export const MOST_RAW_POINTS = 1_000_000;

/** How many buckets the tail of a policy holds of one granularity. */
export function tailBuckets(policy: ArchivePolicy): number {
  return Math.max(LEAST_TAIL_BUCKETS, Math.floor(TAIL_VALUES / policy.aggregationMethods.length));
}

/**
 * One pass over a metric: takes the points of chunks (in the order they arrived) into its series.
 *
 * Points before the window (whole blocks of the coarsest granularity before the newest point's, as it was before this
 * pass) are dropped; the first pass of a metric has none. Of the points of one pass at one time the first counts, and
 * replaces what an earlier pass had there. Every bucket from that of the first new point on is computed anew from the
 * raw points, so that late points change what they belong to. A window that is made wider therefore opens as time goes
 * on: what was before the narrow one is without its raw points, and stays as it is.
 *
 * Where more points would have to be kept than `mostRaw`, the window closes for all but the newest block; what the
 * newest block has no room for is dropped as if it were late.
 */
export function runPass(
  policy: ArchivePolicy,
  state: SeriesState,
  chunks: readonly Points[],
  mostRaw = MOST_RAW_POINTS,
): PassResult {
  const sorted = sortIncoming(chunks);
  const fits = withinLimit(policy, state, pointsFrom(sorted, windowStart(policy, state.raw, state.openFrom)), mostRaw); // prettier-ignore
  const { fresh } = fits;
  const late = sorted.values.length - fresh.values.length;
  if (fresh.values.length === 0) return { state, reseals: [], taken: 0, late, newest: null };
  const merged = mergePoints(state.raw, fresh);
  const first = instantAt(fresh, 0);
  const reseals: Reseal[] = [];
  const tail = policy.definition.map(({ granularityNs, points }) => {
    const old = state.tail.find((part) => part.granularityNs === granularityNs);
    const grid = new Grid(granularityNs);
    const changedFrom = grid.keyOf(first.seconds, first.nanos);
    const part = recompute(policy, { merged, grid, changedFrom, points }, old);
    if (changedFrom < part.sealedTo || bucketsOf(part) > tailBuckets(policy)) {
      reseals.push({ granularityNs, points, changedFrom: Math.min(changedFrom, part.sealedTo) });
    }
    return part;
  });
  const openFrom = windowStart(policy, merged, fits.openFrom);
  const raw = keepRaw(policy, merged, openFrom);
  const newest = instantAt(fresh, fresh.values.length - 1);
  return { state: { raw, tail, openFrom }, reseals, taken: fresh.values.length, late, newest };
}

/** The new points of which no more than `mostRaw` have to be kept with the old ones, and from when on. */
function withinLimit(
  policy: ArchivePolicy,
  { raw, openFrom }: SeriesState,
  fresh: Points,
  mostRaw: number,
): { fresh: Points; openFrom: Instant | null } {
  if (raw.values.length + fresh.values.length <= mostRaw) return { fresh, openFrom };
  const merged = mergePoints(raw, fresh);
  if (keepRaw(policy, merged, windowStart(policy, merged, openFrom)).values.length <= mostRaw) {
    return { fresh, openFrom };
  }
  const newest = windowStart({ ...policy, backWindow: 0 }, merged, openFrom)!;
  const from = keptFrom(policy, newest);
  const room = Math.max(0, mostRaw - (raw.values.length - firstFrom(raw, from)));
  const to = firstFrom(fresh, from) + room;
  return { fresh: slicePoints(fresh, 0, Math.min(to, fresh.values.length)), openFrom: newest };
}

/**
 * The first time at which a metric with these points takes new ones; null: any.
 * @param openFrom what it was before; it never goes back.
 */
function windowStart(policy: ArchivePolicy, raw: Points, openFrom: Instant | null): Instant | null {
  if (raw.values.length === 0) return null;
  const block = blockNs(policy);
  const newest = new Grid(block).floor(instantAt(raw, raw.values.length - 1));
  const start = fromNs(toNs(newest) - block * BigInt(backBlocks(policy)));
  return openFrom !== null && isBefore(start, openFrom) ? openFrom : start;
}

interface Change {
  readonly merged: Points;
  readonly grid: Grid;
  readonly changedFrom: number;
  readonly points: number | null;
}

function recompute(policy: ArchivePolicy, change: Change, old: TailPart | undefined): TailPart {
  const { merged, grid, changedFrom, points } = change;
  const from = firstFrom(merged, grid.startOf(changedFrom));
  const aggregator = new Aggregator(groupPoints(merged, from, grid));
  const replacer = new ColumnReplacer(changedFrom);
  const columns = new Map<number, TailColumn>();
  for (const method of policy.aggregationMethods) {
    const code = methodCode(method);
    const before = old?.columns.get(code);
    const computed = aggregator.column(method);
    const column = before ? replacer.replace(before.column, computed) : computed;
    const newest = Math.max(column.keys[column.keys.length - 1] ?? -1, before?.newest ?? -1);
    columns.set(code, { column: retain(column, points, newest), newest });
  }
  return { granularityNs: grid.granularityNs, sealedTo: old?.sealedTo ?? 0, columns };
}

/** The most buckets that any column of a part has. */
function bucketsOf({ columns }: TailPart): number {
  let most = 0;
  for (const { column } of columns.values()) most = Math.max(most, column.keys.length);
  return most;
}

/**
 * What of the points a later pass may need: those from the beginning of every bucket that a point of the window can
 * change, since granularities need not divide each other; and where there are rates, the point before them, without
 * which the first difference would be lost.
 */
function keepRaw(policy: ArchivePolicy, points: Points, start: Instant | null): Points {
  if (start === null) return points;
  const first = firstFrom(points, keptFrom(policy, start));
  const from = policy.aggregationMethods.some(isRate) ? Math.max(0, first - 1) : first;
  return from === 0 ? points : slicePoints(points, from, points.values.length);
}

/** The beginning of the earliest bucket that a point from `start` on can change. */
function keptFrom(policy: ArchivePolicy, start: Instant): Instant {
  let keep = start;
  for (const { granularityNs } of policy.definition) {
    const floor = new Grid(granularityNs).floor(start);
    if (isBefore(floor, keep)) keep = floor;
  }
  return keep;
}
