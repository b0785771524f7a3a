import { toFloat } from './python-numbers.js';
import { parseSpanText } from './timespan.js';

test.each([
  ['5 minutes', 300],
  ['1h30m', 5_400],
  ['  - 1   hour ', -3_600],
  ['+1w, 2d / 3h', 604_800 + 172_800 + 10_800],
  ['2 days 4:13:02', 172_800 + 15_182],
  ['2 days,4:13:02', 172_800 + 15_182],
  ['1\t week\n2 days ', 604_800 + 172_800],
  ['1.5h', 5_400],
  ['.5 min', 30],
  ['4:13', 253],
  ['1:02:03:04', 93_784],
  [':22', 22],
  ['1h,', 3_600],
])('%j is a span of %d s', (text, seconds) => {
  expect(parseSpanText(text)).toBe(seconds);
});

test.each(['', ' ', '-', 'x', '1', '1h,,2m', '1h 2', '--1h', '1m 1h'])('%j is no span', (text) => {
  expect(parseSpanText(text)).toBeNull();
});

test('no text of some hundred characters takes long', () => {
  const blanks = ' '.repeat(30);
  const texts = [
    `1w${blanks}1d${blanks}1h${blanks}1m${blanks}1s${blanks}x`,
    `1w${blanks},${blanks}1d${blanks}/${blanks}x`,
    `${'1'.repeat(199)}x`,
    '1w1d1h1m1s'.repeat(20),
  ];
  const before = performance.now();
  for (const text of texts) expect(parseSpanText(text)).toBeNull();
  for (let i = 0; i < 10_000; i += 1) expect(toFloat(`${'1'.repeat(399)}x`)).toBeNull();
  expect(performance.now() - before).toBeLessThan(10_000);
});

test.each([
  ['1_000.5', 1000.5],
  ['1.', 1],
  ['.5e3', 500],
  ['-1_0_0e-2', -1],
  ['1.5_5', 1.55],
  ['1__0', null],
  ['1_', null],
  ['.', null],
])('%j is the number %p', (text, number) => {
  expect(toFloat(text)).toBe(number);
});
