import fc from 'fast-check';
import {
  BUCKET_KINDS,
  bucketEnd,
  bucketStart,
  calendarBuckets,
  calendarStart,
  monthOf,
  quarterOf,
} from './buckets.js';

const at = (iso: string): number => Date.parse(iso);
const TIMES = fc.integer({ min: at('0001-01-01T00:00:00Z'), max: at('9999-12-31T23:59:59Z') });

describe('buckets', () => {
  it('contain the instant they are asked for, in any year', () => {
    fc.assert(
      fc.property(TIMES, fc.constantFrom(...BUCKET_KINDS), (t, kind) => {
        const start = bucketStart(kind, t);
        expect(start).toBeLessThanOrEqual(t);
        expect(bucketEnd(kind, start)).toBeGreaterThan(t);
        expect(bucketStart(kind, start)).toBe(start);
      }),
    );
  });

  it('read the first century as written', () => {
    expect(new Date(monthOf(at('0050-03-15T00:00:00Z'))).toISOString()).toBe('0050-03-01T00:00:00.000Z');
  });

  it('floor before 1970', () => {
    expect(quarterOf(-1)).toBe(-900_000);
  });
});

describe('calendarBuckets', () => {
  it('starts weeks on Monday, UTC', () => {
    expect(new Date(calendarStart('week', at('2026-11-20T12:00:00Z'))).toISOString()).toBe(
      '2026-11-16T00:00:00.000Z',
    );
    expect(new Date(calendarStart('week', at('1969-12-31T00:00:00Z'))).toISOString()).toBe(
      '1969-12-29T00:00:00.000Z',
    );
  });

  it('uses calendar months and years, first and last clipped', () => {
    const spans = calendarBuckets(at('2024-01-15T00:00:00Z'), at('2024-03-02T00:00:00Z'), 'month');
    expect(spans.map(({ start, end }) => (end - start) / 86_400_000)).toEqual([17, 29, 1]);
    expect(calendarBuckets(at('2023-12-31T00:00:00Z'), at('2025-01-02T00:00:00Z'), 'year')).toHaveLength(3);
  });

  it('answers an inverted window with one empty span', () => {
    expect(calendarBuckets(500, 200, 'hour')).toEqual([{ start: 500, end: 500 }]);
  });

  it('refuses more buckets than the limit', () => {
    expect(calendarBuckets(0, 3_600_000 * 100_000, 'hour')).toHaveLength(100_000);
    expect(() => calendarBuckets(0, 3_600_000 * 100_000 + 1, 'hour')).toThrow(RangeError);
    expect(() => calendarBuckets(0, at('9999-01-01T00:00:00Z'), 'quarter')).toThrow(RangeError);
  });

  it('covers the window without gap or overlap', () => {
    const unit = fc.constantFrom(
      'hour' as const,
      'day' as const,
      'week' as const,
      'month' as const,
      'year' as const,
    );
    fc.assert(
      fc.property(TIMES, fc.integer({ min: 1, max: 40_000_000_00 }), unit, (start, length, u) => {
        const spans = calendarBuckets(start, start + length, u);
        expect(spans[0]!.start).toBe(start);
        expect(spans.at(-1)!.end).toBe(start + length);
        spans.slice(1).forEach((span, i) => expect(span.start).toBe(spans[i]!.end));
      }),
      { numRuns: 50 },
    );
  });
});
