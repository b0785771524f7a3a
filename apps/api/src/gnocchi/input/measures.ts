import { type Points, PointsBuilder } from '@quipu/archive';
import { Invalid, type Path, type Schema } from './schema.js';
import { kindOf, parseTimestamp, TimestampError } from './timestamps.js';
import { toFloat } from './python-numbers.js';

/** Most measures of one request. */
export const MAX_MEASURES = 200_000;

/** Counts the measures of one request. */
export class MeasureCount {
  private count = 0;

  /** @throws Invalid when they become too many. */
  add(more: number, path: Path): void {
    this.count += more;
    if (this.count > MAX_MEASURES) throw new Invalid(`more than ${MAX_MEASURES} measures`, path);
  }
}

/** A list of measures: `{"timestamp", "value"}`, whatever else they have. @param nowMs what relative times refer to. */
export function measuresSchema(nowMs: number, count: MeasureCount): Schema<Points> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new Invalid('unexpected measures format', path);
    count.add(value.length, path);
    const given = value as readonly unknown[];
    const builder = new PointsBuilder(given.length);
    const times = readTimes(given, path, nowMs);
    given.forEach((measure, i) => {
      const number = toFloat((measure as { value?: unknown }).value);
      if (number === null) throw new Invalid('unexpected measures value', path);
      builder.add(times.seconds[i]!, times.nanos[i]!, number);
    });
    return builder.build();
  };
}

function readTimes(
  measures: readonly unknown[],
  path: Path,
  nowMs: number,
): { seconds: Float64Array; nanos: Uint32Array } {
  const seconds = new Float64Array(measures.length);
  const nanos = new Uint32Array(measures.length);
  try {
    const kind = measures.length === 0 ? 'iso' : kindOf(timeOf(measures[0]));
    for (let i = 0; i < measures.length; i += 1) {
      const instant = parseTimestamp(timeOf(measures[i]), kind, nowMs);
      seconds[i] = instant.seconds;
      nanos[i] = instant.nanos;
    }
  } catch (error) {
    if (error instanceof TypeError) throw new Invalid('unexpected measures format', path);
    if (error instanceof TimestampError) throw new Invalid(`unexpected timestamp '${error.message}'`, path);
    throw error;
  }
  return { seconds, nanos };
}

function timeOf(measure: unknown): unknown {
  if (typeof measure !== 'object' || measure === null || Array.isArray(measure)) {
    throw new TypeError('not a measure');
  }
  return (measure as { timestamp?: unknown }).timestamp;
}
