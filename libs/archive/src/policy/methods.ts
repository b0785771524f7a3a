const RATE = 'rate:';
const SIMPLE = ['mean', 'sum', 'last', 'max', 'min', 'std', 'median', 'first', 'count'];
/** Where the codes of percentiles and of rates begin; what is stored keeps its meaning when methods are added. */
const PERCENTILE_CODES = 100;
const RATE_CODES = 1_000;

/** Whether a method looks at the differences of consecutive points. */
export function isRate(method: string): boolean {
  return method.startsWith(RATE);
}

/** The method without `rate:`. */
export function plainMethod(method: string): string {
  return isRate(method) ? method.slice(RATE.length) : method;
}

/** The percentage of a percentile such as `95pct`; null for other methods. */
export function percentileOf(method: string): number | null {
  const digits = /^([1-9]\d?)pct$/.exec(method)?.[1];
  return digits === undefined ? null : Number(digits);
}

const codes = new Map<string, number>();

/** The number a method is stored under. The method must exist. */
export function methodCode(method: string): number {
  const known = codes.get(method);
  if (known !== undefined) return known;
  const code = computeCode(method);
  codes.set(method, code);
  return code;
}

function computeCode(method: string): number {
  const plain = plainMethod(method);
  const percentage = percentileOf(plain);
  const code = percentage === null ? SIMPLE.indexOf(plain) : PERCENTILE_CODES + percentage;
  if (code < 0) throw new RangeError(`There is no aggregation method ${method}.`);
  return isRate(method) ? RATE_CODES + code : code;
}
