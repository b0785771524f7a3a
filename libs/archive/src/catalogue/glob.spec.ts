import { compileGlob } from './glob.js';

const CASES: readonly [string, string, boolean][] = [
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['', 'a', false],
  ['disk.*', 'disk.io.rate', true],
  ['disk.*', 'Disk.io.rate', false],
  ['disk.*', 'mydisk.io', false],
  ['disk.io.?ate', 'disk.io.rate', true],
  ['a?c', 'ac', false],
  ['cpu[0-3]', 'cpu2', true],
  ['cpu[0-3]', 'cpu4', false],
  ['cpu[!0-3]', 'cpu4', true],
  ['cpu[!0-3]', 'cpu3', false],
  ['x[]]', 'x]', true],
  ['x[!]]', 'x]', false],
  ['x[', 'x[', true],
  ['x[ab', 'x[ab', true],
  ['[z-a]', 'm', false],
  ['[!z-a]', 'm', true],
  ['[a^]', '^', true],
  ['[\\d]', '5', false],
  ['[\\d]', 'd', true],
  ['a.c', 'abc', false],
  ['*a*b', 'xaxxb', true],
  ['*a*b', 'xaxxbc', false],
  ['é?', 'é😀', true],
  ['a*', 'a\nb', true],
];

describe('compileGlob', () => {
  it.each(CASES)('pattern %j on %j: %s', (pattern, name, expected) => {
    expect(compileGlob(pattern)(name)).toBe(expected);
  });

  it('takes no longer for patterns that are made to be slow', () => {
    expect(compileGlob('*a'.repeat(200) + 'b')('a'.repeat(2_000))).toBe(false);
  });
});
