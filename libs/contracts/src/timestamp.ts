/** 0001-01-01T00:00:00.000Z in ms. */
export const MIN_TIME_MS = -62_135_596_800_000;
/** 9999-12-31T23:59:59.999Z in ms. */
export const MAX_TIME_MS = 253_402_300_799_999;

const DAY_MS = 86_400_000;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const COLON = 0x3a;
const DASH = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;

/** The digits of `text` in `[from, to)` as a number, or NaN if one of them is no digit. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. (Date.UTC reads years 0..99 as 1900..1999.) */
function daysFromEpoch(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Midnight UTC of `YYYY-MM-DD` at the start of the text in ms, or NaN. */
function dateMs(text: string): number {
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH || !(month >= 1 && month <= 12))
    return Number.NaN;
  const last = month === 2 && isLeapYear(year) ? 29 : DAYS_IN_MONTH[month - 1]!;
  return day >= 1 && day <= last ? daysFromEpoch(year, month, day) * DAY_MS : Number.NaN;
}

/** Offset from UTC told from `at` to the end of the text in ms, or NaN. */
function offsetMs(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if (text.length === at + 1) return sign === 0x5a || sign === 0x7a ? 0 : Number.NaN;
  if (text.length !== at + 6 || (sign !== PLUS && sign !== DASH) || text.charCodeAt(at + 3) !== COLON)
    return Number.NaN;
  const hours = digits(text, at + 1, at + 3);
  const minutes = digits(text, at + 4, at + 6);
  if (!(hours <= 23 && minutes <= 59)) return Number.NaN;
  return (sign === PLUS ? 1 : -1) * (hours * 60 + minutes) * 60_000;
}

/**
 * Reads an RFC 3339 timestamp.
 *
 * @param text a date, `T`, a time with seconds, optionally a fraction, and `Z` or an offset.
 * @returns ms since the epoch, in the years 0001 to 9999 of UTC, a finer fraction cut off; null if the text is no
 * such time. A leap second (23:59:60 UTC) is the first second of the next day.
 */
export function parseTimestamp(text: string): number | null {
  if (text.length < 20 || text.length > 64) return null;
  const date = dateMs(text);
  const separator = text.charCodeAt(10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  if ((separator !== 0x54 && separator !== 0x74) || text.charCodeAt(13) !== COLON) return null;
  if (text.charCodeAt(16) !== COLON || !(hour <= 23 && minute <= 59 && second <= 60)) return null;
  let at = 19;
  let fraction = 0;
  if (text.charCodeAt(at) === DOT) {
    const from = ++at;
    for (let weight = 100; isDigit(text, at); at++, weight /= 10) {
      if (weight >= 1) fraction += (text.charCodeAt(at) - 48) * weight;
    }
    if (at === from) return null;
  }
  const ms = date + hour * 3_600_000 + minute * 60_000 + second * 1_000 + fraction - offsetMs(text, at);
  if (!(ms >= MIN_TIME_MS && ms <= MAX_TIME_MS)) return null;
  if (second === 60 && ((ms % DAY_MS) + DAY_MS) % DAY_MS >= 1_000) return null;
  return ms;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** The one form in which Quipu writes a time: `YYYY-MM-DDTHH:MM:SS.sssZ`. `ms` lies in the years 1 to 9999. */
export function formatTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}
