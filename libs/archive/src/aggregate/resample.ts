import { newPoints, type Points } from '../measures/points.js';
import { Aggregator, type Column } from './aggregate.js';
import { calendarGrouping, type CalendarUnit } from './calendar.js';
import { Grid } from './grid.js';
import { groupPoints } from './groups.js';

/** Width of groups: nanoseconds, or a period of the calendar. */
export type Sampling = bigint | CalendarUnit;

/** A series: what its buckets span, and a point at the beginning of each. */
export interface Series {
  readonly granularity: Sampling;
  readonly points: Points;
}

/** The points of buckets: each at the beginning of its bucket. */
export function pointsOf({ keys, values }: Column, grid: Grid): Points {
  const points = { ...newPoints(keys.length), values };
  for (let i = 0; i < keys.length; i += 1) {
    const { seconds, nanos } = grid.startOf(keys[i]!);
    points.seconds[i] = seconds;
    points.nanos[i] = nanos;
  }
  return points;
}

/** Aggregates points (of a series already aggregated) into wider groups. */
export function resample(points: Points, method: string, sampling: Sampling): Points {
  if (typeof sampling !== 'bigint') {
    const groups = groupPoints(points, 0, calendarGrouping(sampling));
    const { keys, values } = new Aggregator(groups).column(method);
    return { seconds: keys, nanos: new Uint32Array(keys.length), values };
  }
  const grid = new Grid(sampling);
  return pointsOf(new Aggregator(groupPoints(points, 0, grid)).column(method), grid);
}
