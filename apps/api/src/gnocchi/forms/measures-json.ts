import type { Points } from '@quipu/archive';
import { setImmediate as breath } from 'node:timers/promises';
import { secondsOf } from './durations.js';
import { GnocchiError } from './gnocchi-error.js';
import { floatText } from './plain-value.js';

/** One resolution of an answer; the granularity is a span in ns or the letter of a calendar unit. */
export interface MeasuredSeries {
  readonly granularity: bigint | string;
  readonly points: Points;
}

/** How many measures a process tells at a time. */
export interface MeasuresLimits {
  /** Of one answer; a million are some 40 MB of text. */
  readonly answer: number;
  /** Of all answers that are being written, or wait for their clients to take them. */
  readonly inFlight: number;
}

const LIMITS: MeasuresLimits = { answer: 1_000_000, inFlight: 3_000_000 };
/** Measures that are written before others have their turn; an answer of no more is a short one. */
const PORTION = 10_000;

/** An answer that counts as long as it is in memory. */
export interface WrittenAnswer {
  readonly json: Buffer;
  /** To be called once when it has gone, or will not go. */
  readonly release: () => void;
}

/** Writes answers of measures as `[[time, granularity, value], …]`; times are whole seconds. */
export class MeasuresJson {
  private inFlight = 0;

  constructor(private readonly limits: MeasuresLimits = LIMITS) {}

  /**
   * Writes measures, a portion at a time, so that others have their turn in between.
   * @throws GnocchiError 400 if they are too many, 503 if those of all answers are.
   */
  async write(series: readonly MeasuredSeries[]): Promise<WrittenAnswer> {
    const measures = series.reduce((sum, { points }) => sum + points.values.length, 0);
    if (measures > this.limits.answer) {
      throw new GnocchiError(
        400,
        `More than ${this.limits.answer} measures: ask for a shorter time, or for one granularity`,
      );
    }
    // Short answers are always given: whoever takes long ones slowly must not keep others from theirs.
    if (measures > PORTION && this.inFlight + measures > this.limits.inFlight) {
      throw new GnocchiError(503, 'Too many measures are being told', { 'retry-after': '5' });
    }
    this.inFlight += measures;
    let held = true;
    const release = (): void => {
      if (held) this.inFlight -= measures;
      held = false;
    };
    try {
      return { json: await textOf(series), release };
    } catch (error) {
      release();
      throw error;
    }
  }
}

async function textOf(series: readonly MeasuredSeries[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  const clock = new TimeTexts();
  let text = '[';
  let written = 0;
  for (const { granularity, points } of series) {
    const width =
      typeof granularity === 'bigint' ? floatText(secondsOf(granularity)) : JSON.stringify(granularity);
    const { seconds, values } = points;
    for (let i = 0; i < values.length; i += 1) {
      text += `${written === 0 ? '' : ', '}["${clock.of(seconds[i]!)}", ${width}, ${floatText(values[i]!)}]`;
      written += 1;
      if (written % PORTION !== 0) continue;
      parts.push(Buffer.from(text));
      text = '';
      await breath();
    }
  }
  return Buffer.concat([...parts, Buffer.from(`${text}]`)]);
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
