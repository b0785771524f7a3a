import { parseTime } from './times.js';

const NOW = Date.parse('2026-11-20T08:00:00Z');

describe('a time', () => {
  it.each([
    ['2026-11-20', Date.parse('2026-11-20T00:00:00Z')],
    ['1763625600', 1_763_625_600_000],
    ['-7d', NOW - 7 * 86_400_000],
    ['now', NOW],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['2017-01-01T00:59:60.5+01:00', Date.UTC(2017, 0, 1, 0, 0, 0, 500)],
  ])('is read from %s', (text, ms) => {
    expect(parseTime(text, NOW)).toBe(ms);
  });

  it.each([
    '-9999999w',
    `+${'9'.repeat(400)}d`,
    '0000-01-01',
    '9999-12-31T23:59:59-01:00',
    '2016-12-31T22:59:60Z',
    '2016-12-31T23:59:61Z',
    '2017-02-30T23:59:60Z',
  ])('is refused beyond what has an ISO form: %s', (text) => {
    expect(() => parseTime(text, NOW)).toThrow('is not a time');
  });
});
