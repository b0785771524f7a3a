import fc from 'fast-check';
import { formatTimestamp, MAX_TIME_MS, MIN_TIME_MS, parseTimestamp } from './timestamp.js';

describe('parseTimestamp', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2025-11-20T09:50:00.123+01:00', Date.UTC(2025, 10, 20, 8, 50, 0, 123)],
    ['2025-11-20t08:50:00z', Date.UTC(2025, 10, 20, 8, 50)],
    ['2025-11-20T00:00:00-00:00', Date.UTC(2025, 10, 20)],
    ['2025-11-20T08:50:00.5Z', Date.UTC(2025, 10, 20, 8, 50, 0, 500)],
    ['2024-02-29T23:59:59.999Z', Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
    ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60+01:00', Date.UTC(2017, 0, 1)],
    ['0001-01-01T00:00:00Z', MIN_TIME_MS],
    ['9999-12-31T23:59:59.999Z', MAX_TIME_MS],
  ])('reads %s', (text, ms) => {
    expect(parseTimestamp(text)).toBe(ms);
  });

  it('cuts digits finer than a millisecond off, also before the epoch', () => {
    expect(parseTimestamp('1970-01-01T00:00:00.0019999999Z')).toBe(1);
    expect(parseTimestamp('1969-12-31T23:59:59.9989999Z')).toBe(-2);
  });

  it.each([
    '',
    '2025-11-20',
    '2025-11-20T08:50Z',
    '2025-11-20T08:50:00',
    '2025-11-20 08:50:00Z',
    '2025-11-20T08:50:00.Z',
    '2025-11-20T08:50:00,5Z',
    '2025-11-20T08:50:00+0100',
    '2025-11-20T08:50:00+24:00',
    '2025-11-20T08:50:00+01:60',
    '2025-11-20T08:50:00Zz',
    '2025-11-20T24:00:00Z',
    '2025-11-20T23:60:00Z',
    '2025-11-20T08:50:60Z',
    '2025-11-20T23:59:61Z',
    '2025-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2025-04-31T00:00:00Z',
    '2025-00-10T00:00:00Z',
    '2025-13-10T00:00:00Z',
    '2025-01-00T00:00:00Z',
    '0000-12-31T23:59:59Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '10000-01-01T00:00:00Z',
    '-001-01-01T00:00:00Z',
    '２025-01-01T00:00:00Z',
    ` 2025-01-01T00:00:00Z`,
    `2025-01-01T00:00:00.${'0'.repeat(60)}Z`,
  ])('refuses %j', (text) => {
    expect(parseTimestamp(text)).toBeNull();
  });

  it('reads back every time that formatTimestamp writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: MIN_TIME_MS, max: MAX_TIME_MS }), (ms) => {
        const text = formatTimestamp(ms);
        expect(text).toHaveLength(24);
        expect(parseTimestamp(text)).toBe(ms);
      }),
    );
  });

  it('agrees with Date.parse on dates from the year 100, at any offset', () => {
    const two = (value: number) => String(value).padStart(2, '0');
    const fields = fc.record({
      year: fc.integer({ min: 100, max: 9998 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 28 }),
      minute: fc.integer({ min: 0, max: 59 }),
      offset: fc.integer({ min: 0, max: 23 }),
      sign: fc.constantFrom('+', '-'),
    });
    fc.assert(
      fc.property(fields, ({ year, month, day, minute, offset, sign }) => {
        const text = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T12:${two(minute)}:07.250${sign}${two(offset)}:30`;
        expect(parseTimestamp(text)).toBe(Date.parse(text));
      }),
    );
  });

  it('never throws, and yields only times in its range', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789-:T.Z+') })),
        (text) => {
          const ms = parseTimestamp(text);
          expect(ms === null || (Number.isInteger(ms) && ms >= MIN_TIME_MS && ms <= MAX_TIME_MS)).toBe(true);
        },
      ),
    );
  });
});
