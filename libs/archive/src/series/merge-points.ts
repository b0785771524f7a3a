import {
  type Instant,
  firstFrom,
  joinPoints,
  newPoints,
  type Points,
  slicePoints,
} from '../measures/points.js';

/**
 * The points of chunks in order of time. Of several at one time the first in the order of arrival stays.
 */
export function sortIncoming(chunks: readonly Points[]): Points {
  const all = joinPoints(chunks);
  if (isAscending(all)) return all;
  const { seconds, nanos, values } = all;
  const order = Array.from({ length: values.length }, (_, i) => i);
  // Array.prototype.sort keeps the order of equals: what arrived first is what stays below.
  order.sort((a, b) => seconds[a]! - seconds[b]! || nanos[a]! - nanos[b]!);
  const sorted = newPoints(order.length);
  let length = 0;
  for (const i of order) {
    const repeated =
      length > 0 && sorted.seconds[length - 1] === seconds[i] && sorted.nanos[length - 1] === nanos[i];
    if (repeated) continue;
    put(sorted, length, all, i);
    length += 1;
  }
  return slicePoints(sorted, 0, length);
}

/** Old and new points, both in order of time and each time once in either, as one. At the same time the new one stays. */
export function mergePoints(old: Points, fresh: Points): Points {
  if (fresh.values.length === 0) return old;
  // What arrives in order only changes the end.
  const from = firstFrom(old, { seconds: fresh.seconds[0]!, nanos: fresh.nanos[0]! });
  const merged = newPoints(old.values.length + fresh.values.length);
  merged.seconds.set(old.seconds.subarray(0, from));
  merged.nanos.set(old.nanos.subarray(0, from));
  merged.values.set(old.values.subarray(0, from));
  let [length, o, f] = [from, from, 0];
  while (o < old.values.length || f < fresh.values.length) {
    const order = f === fresh.values.length ? -1 : o === old.values.length ? 1 : compare(old, o, fresh, f);
    if (order < 0) put(merged, length, old, o);
    else put(merged, length, fresh, f);
    if (order <= 0) o += 1;
    if (order >= 0) f += 1;
    length += 1;
  }
  return slicePoints(merged, 0, length);
}

/** The points that are not before an instant; null: all. */
export function pointsFrom(points: Points, from: Instant | null): Points {
  if (from === null) return points;
  const index = firstFrom(points, from);
  return index === 0 ? points : slicePoints(points, index, points.values.length);
}

function isAscending({ seconds, nanos }: Points): boolean {
  for (let i = 1; i < seconds.length; i += 1) {
    const step = seconds[i]! - seconds[i - 1]!;
    if (step < 0 || (step === 0 && nanos[i]! <= nanos[i - 1]!)) return false;
  }
  return true;
}

function compare(a: Points, i: number, b: Points, j: number): number {
  return a.seconds[i]! - b.seconds[j]! || a.nanos[i]! - b.nanos[j]!;
}

function put(target: Points, at: number, source: Points, i: number): void {
  target.seconds[at] = source.seconds[i]!;
  target.nanos[at] = source.nanos[i]!;
  target.values[at] = source.values[i]!;
}
