/** An instant: whole seconds since the Unix epoch (not negative) and nanoseconds (0 to 999,999,999). */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

/** Points of one metric in columns of one length. A point's time is that of an {@link Instant}. */
export interface Points {
  readonly seconds: Float64Array;
  readonly nanos: Uint32Array;
  readonly values: Float64Array;
}

/** Measures of a batch: lower-case UUID of the metric → its points, in the order they were given. */
export type Measures = ReadonlyMap<string, Points>;

/** No points. */
export const NO_POINTS: Points = {
  seconds: new Float64Array(0),
  nanos: new Uint32Array(0),
  values: new Float64Array(0),
};

/** Points of a length, all zero. */
export function newPoints(length: number): Points {
  return {
    seconds: new Float64Array(length),
    nanos: new Uint32Array(length),
    values: new Float64Array(length),
  };
}

/** The points of an array of triples; for a request that is read one measure at a time. */
export class PointsBuilder {
  private points: Points;
  private length = 0;

  /** @param capacity how many points are expected; it grows as needed. */
  constructor(capacity = 1) {
    this.points = newPoints(Math.max(1, capacity));
  }

  /** Adds a point at a time that {@link Instant} allows. */
  add(seconds: number, nanos: number, value: number): void {
    if (this.length === this.points.values.length) this.grow();
    this.points.seconds[this.length] = seconds;
    this.points.nanos[this.length] = nanos;
    this.points.values[this.length] = value;
    this.length += 1;
  }

  /** What was added. */
  build(): Points {
    return slicePoints(this.points, 0, this.length);
  }

  private grow(): void {
    const larger = newPoints(this.length * 2);
    copyPoints(this.points, larger, 0);
    this.points = larger;
  }
}

/** Points `from` (inclusive) to `to` (exclusive), without a copy. */
export function slicePoints(points: Points, from: number, to: number): Points {
  return {
    seconds: points.seconds.subarray(from, to),
    nanos: points.nanos.subarray(from, to),
    values: points.values.subarray(from, to),
  };
}

/** Writes all of `points` into `target`, from an index on. */
export function copyPoints(points: Points, target: Points, at: number): void {
  target.seconds.set(points.seconds, at);
  target.nanos.set(points.nanos, at);
  target.values.set(points.values, at);
}

/** All points of several, one after the other. */
export function joinPoints(parts: readonly Points[]): Points {
  if (parts.length === 1) return parts[0]!;
  const joined = newPoints(parts.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const part of parts) {
    copyPoints(part, joined, at);
    at += part.values.length;
  }
  return joined;
}

/** The index of the first of `points`, sorted by time, that is not before an instant. */
export function firstFrom(points: Points, { seconds, nanos }: Instant): number {
  let [low, high] = [0, points.seconds.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const s = points.seconds[middle]!;
    if (s < seconds || (s === seconds && points.nanos[middle]! < nanos)) low = middle + 1;
    else high = middle;
  }
  return low;
}
