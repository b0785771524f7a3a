import { floatText } from './plain-value.js';

describe('a double', () => {
  it.each([
    [60, '60.0'],
    [-0, '-0.0'],
    [0.5, '0.5'],
    [1e-9, '1e-09'],
    [-2.5e-7, '-2.5e-07'],
    [1e-12, '1e-12'],
    [1e21, '1e+21'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
  ])('%s is %s', (value, text) => {
    expect(floatText(value)).toBe(text);
  });
});
