import pc from 'picocolors';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatSeconds,
  plural,
  secondsText,
} from './numbers.js';
import { RateMeter } from './progress.js';
import { readableLine } from './readable-log.js';
import { renderTable } from './table.js';
import { formatTime, parseDuration, parseTime } from './times.js';

const NOW = Date.parse('2026-11-20T08:30:00Z');

describe('a time on the command line', () => {
  it.each([
    ['now', NOW],
    ['NOW', NOW],
    ['-7d', NOW - 7 * 86_400_000],
    ['now-90m', NOW - 90 * 60_000],
    ['now - 1h30m', NOW - 90 * 60_000],
    ['+1h', NOW + 3_600_000],
    ['-250ms', NOW - 250],
    ['now-5', NOW - 5_000],
    ['0', 0],
    ['5', 5_000],
    ['3600', 3_600_000],
    ['749458803', 749_458_803_000],
    ['749458803.25', 749_458_803_250],
    ['2026-11', Date.parse('2026-11-01T00:00:00Z')],
    ['2026-11-20', Date.parse('2026-11-20T00:00:00Z')],
    ['2026-11-20T08:00', Date.parse('2026-11-20T08:00:00Z')],
    ['2026-11-20 08:00:01.5', Date.parse('2026-11-20T08:00:01.500Z')],
    ['2026-11-20T08:00:00Z', Date.parse('2026-11-20T08:00:00Z')],
    ['2026-11-20T08:00:00+01:00', Date.parse('2026-11-20T07:00:00Z')],
    ['2026-11-20T00:30:00-0830', Date.parse('2026-11-20T09:00:00Z')],
  ])('%s', (text, expected) => {
    expect(parseTime(text, NOW)).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-11-20T25:00',
    '1763625600000',
    '-',
    '-5',
    'now-x',
    '1e9',
  ])('%j is none', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(/is not a (time|length of time)/);
  });

  it('is written in UTC without needless parts', () => {
    expect(formatTime(NOW)).toBe('2026-11-20 08:30:00Z');
    expect(formatTime(NOW + 5)).toBe('2026-11-20 08:30:00.005Z');
  });
});

describe('a length of time', () => {
  it.each([
    ['60s', 60_000],
    ['60', 60_000],
    ['1.5', 1_500],
    ['1h30m', 5_400_000],
    ['2w', 1_209_600_000],
    ['250ms', 250],
  ])('%s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', 's', '5 minutes', '-5s', '1y'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(/is not a length of time/);
  });
});

describe('numbers', () => {
  it('keep every digit', () => {
    expect(secondsText(474_238_015_000n)).toBe('474238015');
    expect(secondsText(50n)).toBe('0.05');
    expect(secondsText(-1_500n)).toBe('-1.5');
    expect(secondsText(123_456_789_012_345_678_901n)).toBe('123456789012345678.901');
    expect(formatSeconds(1_234_567_089n)).toBe('1,234,567.089');
    expect(formatCount(-1234567)).toBe('-1,234,567');
    expect(formatCount(999n)).toBe('999');
  });

  it('of time, bytes and rates read easily', () => {
    expect([0, 1_500, 42_000, 185_000, 7_800_000, 356_400_000].map(formatDuration)).toEqual([
      '0 s',
      '1.5 s',
      '42 s',
      '3 min 05 s',
      '2 h 10 min',
      '4 d 3 h',
    ]);
    expect([512, 1_400_000, 34_500_000].map(formatBytes)).toEqual(['512 B', '1.4 MB', '35 MB']);
    expect([3.44, 41_234.4, Infinity].map(formatRate)).toEqual(['3.4/s', '41,234/s', '–']);
    expect([plural(1, 'job'), plural(2000n, 'job'), plural(0, 'entry', 'entries')]).toEqual([
      '1 job',
      '2,000 jobs',
      '0 entries',
    ]);
  });
});

describe('a table', () => {
  const columns = [{ title: 'tenant' }, { title: 'queued', align: 'right' as const }];

  it('is aligned, without borders and without trailing blanks', () => {
    const text = renderTable(
      { colours: pc.createColors(false) },
      columns,
      [
        ['acme', '3'],
        ['a longer name', '12,345'],
      ],
      { totals: ['', '12,348'] },
    );
    expect(text).toBe(
      [
        'tenant         queued',
        'acme                3',
        'a longer name  12,345',
        '─────────────────────',
        '               12,348',
      ].join('\n'),
    );
  });

  it('is as wide with colours as without', () => {
    const render = (on: boolean) =>
      renderTable({ colours: pc.createColors(on) }, columns, [['acme', '3']], { totals: ['', '3'] });

    expect(
      render(true)
        .replace(/\u001b\[\d+m/g, '')
        .replace(/ +$/gm, ''),
    ).toBe(render(false));
  });
});

describe('progress', () => {
  it('goes by the pace of the last seconds for the rate, of all for the time to go', () => {
    const meter = new RateMeter(0);
    expect(meter.rate(1_000, 100)).toBe(100);
    for (let t = 2; t <= 20; t += 1) meter.rate(t * 1_000, 100 + (t - 1) * 10);
    expect(meter.rate(21_000, 300)).toBeCloseTo(10, 5);
    expect(meter.timeLeft(10_000, 25, 100)).toBe(30_000);
    expect(meter.timeLeft(500, 25, 100)).toBeUndefined();
  });
});

describe('a log line for people', () => {
  it('says the message first, then what belongs to it, and the hint below', () => {
    const time = Date.parse('2026-11-20T08:30:00Z');
    const line = {
      level: 50,
      time,
      program: 'api',
      how: 'exit code 1',
      againInMs: 200,
      msg: 'a program died',
      hint: 'Wait.',
    };
    expect(readableLine(JSON.stringify(line))).toBe(
      '08:30:00 a program died (program api, how exit code 1, againInMs 200)\n         Wait.',
    );
    expect(
      readableLine(JSON.stringify({ level: 40, time, msg: 'x', err: { message: 'why', stack: '…' } })),
    ).toBe('08:30:00 x (why)');
  });
});
