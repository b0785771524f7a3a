import { type Instant, MAX_SECONDS } from '@quipu/archive';
import { toFloat } from './python-numbers.js';
import { parseSpanText } from './timespan.js';

/** A time that cannot be read; the message says why. */
export class TimestampError extends Error {}

const UNREADABLE = 'Unable to convert timestamps';
const BEFORE_EPOCH = 'Timestamp must be after Epoch';
const ISO =
  /^\s*(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{0,18}))?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?)?\s*$/;

/** How all times of one list are written; the first one decides. */
export type TimeKind = 'number' | 'iso' | 'relative';

/** How a time is written. @throws TimestampError, and TypeError if it is neither a number nor a text. */
export function kindOf(value: unknown): TimeKind {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new TypeError('not a time');
  }
  if (toFloat(value) !== null) return 'number';
  const text = value as string;
  if (ISO.test(text)) return 'iso';
  if (parseSpanText(text) !== null) return 'relative';
  throw new TimestampError(UNREADABLE);
}

/**
 * Reads a time: seconds since the epoch, ISO 8601 (UTC unless it says otherwise), or a span from now on.
 * @param nowMs what a span is counted from.
 * @throws TimestampError, and TypeError if it is neither a number nor a text.
 */
export function parseTimestamp(value: unknown, kind: TimeKind, nowMs: number): Instant {
  switch (kind) {
    case 'number': {
      const seconds = toFloat(value);
      if (seconds === null) throw unreadable(value);
      return fromSeconds(seconds);
    }
    case 'iso':
      return fromIso(value);
    case 'relative': {
      const span = toFloat(value) ?? (typeof value === 'string' ? parseSpanText(value) : null);
      if (span === null) throw unreadable(value);
      const us = BigInt(nowMs) * 1000n + BigInt(Math.trunc(span * 1e6));
      return checked(Number(us / 1_000_000n), Number(us % 1_000_000n) * 1000);
    }
  }
}

/** Reads one time on its own. @throws TimestampError, TypeError */
export function readTimestamp(value: unknown, nowMs: number): Instant {
  return parseTimestamp(value, kindOf(value), nowMs);
}

function unreadable(value: unknown): Error {
  return value === undefined || value === null || typeof value === 'object'
    ? new TypeError('not a time')
    : new TimestampError(UNREADABLE);
}

function fromSeconds(seconds: number): Instant {
  if (Number.isNaN(seconds) || seconds === Infinity) throw new TimestampError(UNREADABLE);
  if (seconds < 0) throw new TimestampError(BEFORE_EPOCH);
  if (Number.isInteger(seconds)) return checked(seconds, 0);
  if (seconds > MAX_SECONDS) throw new TimestampError(UNREADABLE);
  const ns = BigInt(Math.trunc(seconds * 1e9));
  return checked(Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n));
}

function fromIso(value: unknown): Instant {
  const match = typeof value === 'string' ? ISO.exec(value) : null;
  if (match === null) throw unreadable(value);
  const [, year, month, day = '01', hour = '00', minute = '00', second = '00', fraction = '', zone] = match;
  const [y, m, d] = [Number(year), Number(month), Number(day)];
  const midnight = Date.UTC(y, m - 1, d) / 1000;
  const real = new Date(midnight * 1000);
  const exists = y >= 1000 ? real.getUTCMonth() === m - 1 && real.getUTCDate() === d : false;
  if (!exists || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) {
    throw y < 1000 && m >= 1 && m <= 12 ? new TimestampError(BEFORE_EPOCH) : new TimestampError(UNREADABLE);
  }
  const seconds = midnight + Number(hour) * 3600 + Number(minute) * 60 + Number(second) - zoneSeconds(zone);
  return checked(seconds, fraction === '' ? 0 : Number(fraction.slice(0, 9).padEnd(9, '0')));
}

function zoneSeconds(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z') return 0;
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (hours > 23 || minutes > 59) throw new TimestampError(UNREADABLE);
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}

function checked(seconds: number, nanos: number): Instant {
  if (seconds < 0 || nanos < 0) throw new TimestampError(BEFORE_EPOCH);
  if (seconds >= MAX_SECONDS) throw new TimestampError(UNREADABLE);
  return { seconds, nanos };
}
