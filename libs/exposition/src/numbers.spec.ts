import fc from 'fast-check';
import { addValues, cumulate, goText, scaledText, valueText } from './numbers.js';

describe('numbers', () => {
  it.each([
    [9007199254740993n, '9007199254740993'],
    ['9007199254740993', '9007199254740993'],
    [-0, '0'],
    [0.1, '0.1'],
    [NaN, 'NaN'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
  ])('prints %p as %s', (value, text) => {
    expect(valueText(value)).toBe(text);
  });

  it.each([
    ['1500', 1000, '1.5'],
    [9007199254740993n, 1000, '9007199254740.993'],
    ['-5', 1000, '-0.005'],
    [0, 1000, '0'],
    ['12000', 1000, '12'],
    ['18446744073709551615', 1, '18446744073709551615'],
    ['1767225600125', 1000, '1767225600.125'],
    [129_600_000, 86_400_000, '1.5'],
    [1, 86_400_000, '0.000000011574'],
    [-2, 3, '-0.666666666667'],
  ])('divides %p by %p exactly: %s', (value, scale, text) => {
    expect(scaledText(value, scale)).toBe(text);
  });

  it.each([
    ['312.5', '312.5'],
    [0, '0'],
    ['90000', '90000'],
    [999999, '999999'],
    [1_000_000, '1e+06'],
    ['1234567.5', '1.2345675e+06'],
    ['0.0001', '0.0001'],
    ['0.00005', '5e-05'],
    ['-2500000', '-2.5e+06'],
    ['9007199254740993', '9.007199254740993e+15'],
    [NaN, 'NaN'],
  ])('prints %p as Go does: %s', (value, text) => {
    expect(goText(value)).toBe(text);
  });

  it('adds without a double in between', () => {
    expect(addValues('0.1', '0.2')).toBe('0.3');
    expect(addValues(9007199254740993n, 1n)).toBe(9007199254740994n);
    expect(addValues('9007199254740993', '0.001')).toBe('9007199254740993.001');
    expect(addValues('1e3', '-1')).toBe('999');
    expect(addValues('+Inf', 1)).toBe(Infinity);
    expect(addValues('NaN', 1)).toBeNaN();
  });

  it('adds and scales integers of any size as bigints do', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
        expect(BigInt(addValues(String(a), b))).toBe(a + b);
        expect(BigInt(addValues(scaledText(a * 1000n, 1000), b))).toBe(a + b);
      }),
    );
  });

  it('cumulates exactly, beyond 2^53 too, and takes absent buckets for empty', () => {
    expect(cumulate([1, undefined, '2', 3n], 4)).toEqual(['1', '1', '3', '6']);
    expect(cumulate(['9007199254740991', 2, '1'], 4)).toEqual([
      '9007199254740991',
      '9007199254740993',
      '9007199254740994',
      '9007199254740994',
    ]);
    expect(cumulate(['9007199254740993', 2], 2)).toEqual(['9007199254740993', '9007199254740995']);
  });
});
