import type { Contributions } from './contributions.js';

/** The labels of a series. */
export type Labels = Readonly<Record<string, string>>;

/** Upper bounds of what a task took, in seconds. */
export const DURATION_BOUNDS = [1, 5, 30, 60, 300, 1800, 3600, 21_600, 86_400] as const;

/** A flag as a label. */
export function flag(value: boolean): string {
  return value ? '1' : '0';
}

/** Adds `value` to a series. */
export function add(
  to: Contributions,
  family: string,
  tenant: string,
  labels: Labels,
  value: number | bigint,
): void {
  if (BigInt(value) !== 0n) to.amounts.push({ family, tenant, labels, value });
}

/** Adds `value` to a series that is shown even if it comes to nothing. */
export function addPresent(
  to: Contributions,
  family: string,
  tenant: string,
  labels: Labels,
  value: number,
): void {
  add(to, family, tenant, labels, value);
  add(to, `${family}:n`, tenant, labels, 1);
}

/** One observation of a distribution, whose bounds are in units of `unit` observed ones. */
export function observe(
  to: Contributions,
  family: string,
  tenant: string,
  labels: Labels,
  { bounds, unit = 1 }: { readonly bounds: readonly number[]; readonly unit?: number },
  observation: number,
): void {
  const bound = bounds.find((each) => observation / unit <= each);
  add(to, family, tenant, { ...labels, le: bound === undefined ? '+Inf' : String(bound) }, 1);
  add(to, `${family}:sum`, tenant, labels, observation);
}

/** One interval of an accruing value, counted `times`; without an end it goes on. */
export function accrue(
  to: Contributions,
  family: string,
  tenant: string,
  labels: Labels,
  { start, end }: { readonly start: number; readonly end: number | null },
  times = 1,
): void {
  if (end === null) {
    add(to, family, tenant, labels, -BigInt(start) * BigInt(times));
    add(to, `${family}:rate`, tenant, labels, times);
  } else {
    add(to, family, tenant, labels, BigInt(end - start) * BigInt(times));
  }
}
