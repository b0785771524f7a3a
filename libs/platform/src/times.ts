import { UsageError } from './errors.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const DAY_MS = 86_400_000;
/** The first instant of the year 1 and the last of the year 9999, ms. */
const MIN_TIME_MS = -62_135_596_800_000;
const MAX_TIME_MS = 253_402_300_799_999;

const DATE_TIME =
  /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/i;

/** What {@link parseTime} understands, for help texts and errors. */
export const TIME_FORMS =
  'ISO 8601 (2026-11-20, 2026-11-20T08:00:00Z; UTC unless it says otherwise), seconds since 1970, `now`, or relative to now (-7d, -90m, +1h)';

/**
 * A length of time such as `60s`, `1h30m`, `250ms`, `7d`; a bare number counts seconds.
 * @returns milliseconds
 * @throws UsageError when the text is no length of time.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(trimmed)) {
    throw new UsageError(`"${text}" is not a length of time.`, {
      hint: 'Write it like 60s, 5m, 1h30m or 7d.',
    });
  }
  let total = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
    total += Number(amount) * UNIT_MS[unit ?? '']!;
  }
  return Math.round(total);
}

/**
 * An instant as people write it to the command line and the API: see {@link TIME_FORMS}.
 * @returns milliseconds since 1970, in the years 1 to 9999
 * @throws UsageError when the text is no time.
 */
export function parseTime(text: string, nowMs: number): number {
  const ms = instantOf(text, nowMs);
  // Beyond it a Date has no ISO form, and in the end none at all: `-9999999w` would fail where it is printed.
  if (!(ms >= MIN_TIME_MS && ms <= MAX_TIME_MS)) throw noTime(text, 'It lies outside the years 1 to 9999.');
  return ms;
}

function instantOf(text: string, nowMs: number): number {
  const trimmed = text.trim();
  const relative = /^(now)?\s*(?:([+-])\s*(.+))?$/i.exec(trimmed);
  if (relative && (relative[1] !== undefined || relative[2] !== undefined)) {
    const [, , sign, length] = relative;
    // `-86400` could be meant as an instant before 1970 or as a length: both are rarer than a mistake.
    if (length !== undefined && relative[1] === undefined && /^[\d.]+$/.test(length)) throw noTime(text);
    if (length === undefined) return nowMs;
    return sign === '-' ? nowMs - parseDuration(length) : nowMs + parseDuration(length);
  }
  if (/^\d+(\.\d{1,3})?$/.test(trimmed)) {
    const ms = Math.round(Number(trimmed) * 1000);
    // 13 digits are milliseconds pasted from a log: as seconds they would lie 50,000 years ahead.
    if (ms >= 253_402_300_800_000)
      throw noTime(text, 'Plain numbers count seconds; these look like milliseconds.');
    return ms;
  }
  const parts = DATE_TIME.exec(trimmed);
  if (!parts) throw noTime(text);
  const [, year, month, day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    parts;
  const leap = second === '60';
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${leap ? '59' : second}.${fraction.padEnd(3, '0')}`;
  const ms = Date.parse(`${iso}${normalZone(zone)}`) + (leap ? 1_000 : 0);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(ms) || new Date(Date.parse(`${iso}Z`)).toISOString() !== `${iso}Z`) throw noTime(text);
  // A leap second (23:59:60 UTC) is the first second of the next day, as in events; no other minute has one.
  if (leap && ((ms % DAY_MS) + DAY_MS) % DAY_MS >= 1_000) throw noTime(text);
  return ms;
}

/** An instant in UTC without needless parts: `2026-11-20 08:00:00Z`, with milliseconds where they matter. */
export function formatTime(ms: number): string {
  const iso = new Date(ms).toISOString().replace('T', ' ');
  return iso.endsWith('.000Z') ? `${iso.slice(0, -5)}Z` : iso;
}

function normalZone(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z';
  return zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
}

function noTime(text: string, why = ''): UsageError {
  return new UsageError(`"${text}" is not a time.${why === '' ? '' : ` ${why}`}`, {
    hint: `A time is ${TIME_FORMS}.`,
  });
}
