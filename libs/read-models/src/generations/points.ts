/** How a value is to be stored by who collects it: as it is, or as a rate (a `counter` never falls but by a reset). */
export type PointType = 'gauge' | 'counter' | 'derive';

/** One measured value, without its time: that is its generation's. */
export interface MetricPoint {
  /** What it is about: `host`, `datastore/<file store>`, `pool/<pool>`, `tenant/<id>`. */
  readonly id: string;
  readonly metric: string;
  readonly type: PointType;
  readonly value: number;
}

/** Seconds between generations. */
export const GENERATION_SECONDS = 10;
/** Generations that are kept: half an hour, and the newest. */
export const KEPT_GENERATIONS = 181;
/** Most points of one generation; what is beyond is counted. */
export const MOST_POINTS = 5_000;

/** The last wall-clock ten at or before an instant. @param nowMs ms. @returns seconds since 1970. */
export function lastTen(nowMs: number): number {
  return Math.floor(nowMs / (GENERATION_SECONDS * 1000)) * GENERATION_SECONDS;
}

/**
 * A name as a part of an id: slashes part ids, so those of names are percent-encoded, and percent signs and control
 * characters with them.
 */
export function idPart(name: string): string {
  return name.replace(/[%/\p{Cc}]/gu, encodeURIComponent);
}

/** The first `most` points; things (ids) are taken as a whole, so that none is shown by half. */
export function withinBudget(
  points: readonly MetricPoint[],
  most: number,
): { points: readonly MetricPoint[]; leftOut: number } {
  if (points.length <= most) return { points, leftOut: 0 };
  let end = most;
  while (end > 0 && points[end]!.id === points[end - 1]!.id) end -= 1;
  return { points: points.slice(0, end), leftOut: points.length - end };
}
