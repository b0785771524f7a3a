import { toFloat } from './python-numbers.js';

const NUMBER = '\\d+(?:\\.\\d*)?|\\.\\d+';
/** One way only to match every text: two runs of blanks side by side would share them in every possible way. */
const SEPARATOR = ' ?(?:[,/] ?)?';
const part = (name: string, units: string): string => `(?:(?<${name}>${NUMBER}) ?(?:${units})${SEPARATOR})?`;
const WEEKS = part('weeks', 'weeks?|wks?|w');
const DAYS = part('days', 'days?|dys?|d');

/** Words and clocks, as people write spans. */
const FORMS = [
  `${WEEKS}${DAYS}${part('hours', 'hours?|hrs?|h')}${part('minutes', 'minutes?|mins?|m')}${part('seconds', 'seconds?|secs?|s')}`,
  `(?<minutes>\\d{1,2}):(?<seconds>\\d{2}(?:\\.\\d+)?)`,
  `${WEEKS}${DAYS}(?<hours>\\d+):(?<minutes>\\d{2}):(?<seconds>\\d{2}(?:\\.\\d+)?)`,
  `(?<days>\\d+):(?<hours>\\d{2}):(?<minutes>\\d{2}):(?<seconds>\\d{2}(?:\\.\\d+)?)`,
  `:(?<seconds>\\d{2}(?:\\.\\d+)?)`,
].map((form) => new RegExp(`^${form}$`, 'i'));

const SECONDS: Readonly<Record<string, number>> = {
  weeks: 604_800,
  days: 86_400,
  hours: 3_600,
  minutes: 60,
  seconds: 1,
};

/** What a span may be in length: what nanoseconds in 64 bits can tell. */
const MAX_SECONDS = 9_223_372_036;

/** A span that cannot be read; the message says why. */
export class TimespanError extends Error {}

/**
 * The seconds of a span in words: `5 minutes`, `1h30m`, `2 days 4:13:02`, `-1 hour`. Null: it is none.
 */
export function parseSpanText(text: string): number | null {
  const trimmed = text.trim();
  const sign = /^[+-]/.exec(trimmed)?.[0];
  const rest = sign === undefined ? trimmed : trimmed.slice(1);
  if (rest.length > 200) return null;
  const unsigned = rest.trim().replace(/\s+/g, ' ');
  for (const form of FORMS) {
    const groups = form.exec(unsigned)?.groups;
    const given = Object.entries(groups ?? {}).filter(([, number]) => number !== undefined);
    if (given.length === 0) continue;
    const seconds = given.reduce((sum, [unit, number]) => sum + Number(number) * SECONDS[unit]!, 0);
    return sign === '-' ? -seconds : seconds;
  }
  return null;
}

/**
 * A span in ns: a number of seconds, a text of one, or words.
 * @throws TimespanError
 */
export function parseTimespan(value: unknown): bigint {
  if (value === null || value === undefined) throw new TimespanError('Invalid timespan');
  const seconds = toFloat(value) ?? (typeof value === 'string' ? parseSpanText(value) : null);
  if (seconds === null || !Number.isFinite(seconds)) throw new TimespanError('Unable to parse timespan');
  if (seconds > MAX_SECONDS) throw new TimespanError('Timespan must be shorter than 292 years');
  const ns = BigInt(Math.trunc(seconds * 1e9));
  if (ns <= 0n) throw new TimespanError('Timespan must be positive');
  return ns;
}
