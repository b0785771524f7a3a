import type { Points } from '@quipu/archive';
import { secondsOf } from './durations.js';
import { floatText } from './plain-value.js';

/** One resolution of an answer; the granularity is a span in ns or the letter of a calendar unit. */
export interface MeasuredSeries {
  readonly granularity: bigint | string;
  readonly points: Points;
}

/** Writes measures as `[[time, granularity, value], …]`; times are whole seconds. */
export function measuresJson(series: readonly MeasuredSeries[]): string {
  const rows: string[] = [];
  const clock = new TimeTexts();
  for (const { granularity, points } of series) {
    const width =
      typeof granularity === 'bigint' ? floatText(secondsOf(granularity)) : JSON.stringify(granularity);
    const { seconds, values } = points;
    for (let i = 0; i < values.length; i += 1) {
      rows.push(`["${clock.of(seconds[i]!)}", ${width}, ${floatText(values[i]!)}]`);
    }
  }
  return `[${rows.join(', ')}]`;
}

/** Writes times; those of one day share their date. */
class TimeTexts {
  private day = NaN;
  private date = '';

  of(seconds: number): string {
    const day = Math.floor(seconds / 86_400);
    if (day !== this.day) {
      this.day = day;
      this.date = new Date(day * 86_400_000).toISOString().slice(0, 11);
    }
    const rest = seconds - day * 86_400;
    const hours = Math.floor(rest / 3_600);
    const minutes = Math.floor((rest % 3_600) / 60);
    return `${this.date}${TWO[hours]!}:${TWO[minutes]!}:${TWO[rest % 60]!}+00:00`;
  }
}

const TWO = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
