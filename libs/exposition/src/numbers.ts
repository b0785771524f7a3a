import { type Value } from './types.js';

/** A value as both formats print it. Integers beyond 2^53 come through as bigint or text, exactly. */
export function valueText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value.toString();
  if (Number.isFinite(value)) return value === 0 ? '0' : String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** An exact decimal: `digits` · 10^−`places`. */
interface Decimal {
  readonly digits: bigint;
  readonly places: number;
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

function parseDecimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return null;
  const places = fraction.length - Number(exponent);
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 };
}

function printDecimal({ digits, places }: Decimal): string {
  if (places === 0) return digits.toString();
  const negative = digits < 0n;
  const text = (negative ? -digits : digits).toString().padStart(places + 1, '0');
  const fraction = text.slice(-places).replace(/0+$/, '');
  const whole = text.slice(0, -places);
  const printed = fraction === '' ? whole : `${whole}.${fraction}`;
  return negative && printed !== '0' ? `-${printed}` : printed;
}

const SCALED_PLACES = 12;

/**
 * An integer divided by an integer: milliseconds with scale 1000 become seconds. Exact for powers of ten up to 10^12;
 * else (days) to twelve places, half away from zero. The integer is a bigint, its decimal text, or a safe number.
 */
export function scaledText(value: Value, scale: number): string {
  if (scale === 1) return BigInt(value).toString();
  const dividend = BigInt(value) * 10n ** BigInt(SCALED_PLACES);
  const divisor = BigInt(scale);
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n;
  return printDecimal({ digits: (dividend + half) / divisor, places: SCALED_PLACES });
}

/** Sum of two values, exact; where one is not a finite number, as doubles add. */
export function addValues(a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a + b;
  const [x, y] = [parseDecimal(valueText(a)), parseDecimal(valueText(b))];
  if (x === null || y === null) return toDouble(a) + toDouble(b);
  const places = Math.max(x.places, y.places);
  return printDecimal({ digits: at(x, places) + at(y, places), places });
}

/** The greater of two values, compared exactly. */
export function greaterValue(a: Value, b: Value): Value {
  return isLess(a, b) ? b : a;
}

/** The lesser of two values, compared exactly. */
export function lesserValue(a: Value, b: Value): Value {
  return isLess(b, a) ? b : a;
}

function isLess(a: Value, b: Value): boolean {
  const [x, y] = [parseDecimal(valueText(a)), parseDecimal(valueText(b))];
  if (x === null || y === null) return toDouble(a) < toDouble(b);
  const places = Math.max(x.places, y.places);
  return at(x, places) < at(y, places);
}

function at({ digits, places }: Decimal, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - places);
}

function toDouble(value: Value): number {
  const text = valueText(value);
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}

/** A value as Go's `%g` prints it, `1e+06` from a million on, but exact: no digit is rounded away. */
export function goText(value: Value): string {
  const decimal = parseDecimal(valueText(value));
  if (decimal === null) return valueText(value);
  const plain = printDecimal(decimal);
  const digits = (decimal.digits < 0n ? -decimal.digits : decimal.digits).toString();
  const exponent = digits.length - 1 - decimal.places;
  if (digits === '0' || (exponent >= -4 && exponent < 6)) return plain;
  const significant = digits.replace(/0+$/, '');
  const mantissa = significant.length === 1 ? significant : `${significant[0]}.${significant.slice(1)}`;
  const sign = decimal.digits < 0n ? '-' : '';
  const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  return `${sign}${mantissa}e${power}`;
}

/** Running sums of bucket counts, as text: what `le` means. Exact at any size. */
export function cumulate(counts: readonly (Value | undefined)[], length: number): string[] {
  const sums: string[] = [];
  let small = 0;
  let large: bigint | null = null;
  for (let i = 0; i < length; i += 1) {
    const count = counts[i] ?? 0;
    if (large === null) {
      const sum: number = small + Number(count);
      if (Number.isSafeInteger(sum)) {
        small = sum;
        sums.push(String(sum));
        continue;
      }
      large = BigInt(small);
    }
    large += BigInt(count);
    sums.push(large.toString());
  }
  return sums;
}
