import { AGGREGATION_METHODS, type ArchivePolicyItem, DEFAULT_METHODS } from '../policy/archive-policy.js';
import { MIN_GRANULARITY_NS } from '../policy/window.js';

/** Greatest span in ns that Postgres holds as a bigint; some 292 years. */
const MAX_NS = 9_223_372_036_854_775_807n;

/** One resolution as somebody wrote it: two of the three determine the third. */
export interface DefinitionInput {
  readonly granularityNs?: bigint | undefined;
  readonly points?: number | undefined;
  readonly timespanNs?: bigint | undefined;
}

/** A definition that cannot be; the message says why. */
export class DefinitionError extends Error {}

/**
 * Completes a definition.
 * @throws DefinitionError if something is missing, does not agree, or a granularity repeats.
 */
export function completeDefinition(items: readonly DefinitionInput[]): ArchivePolicyItem[] {
  const definition = items.map(completeItem);
  const seen = new Set<bigint>();
  for (const { granularityNs } of definition) {
    if (seen.has(granularityNs)) {
      const message = `More than one archive policy uses granularity \`${secondsText(granularityNs)}'`;
      throw new DefinitionError(message);
    }
    seen.add(granularityNs);
  }
  return definition;
}

function completeItem({ granularityNs, points, timespanNs }: DefinitionInput): ArchivePolicyItem {
  if (granularityNs === undefined) {
    if (points === undefined || timespanNs === undefined) {
      throw new DefinitionError('At least two of granularity/points/timespan must be provided');
    }
    return item(timespanNs / BigInt(points), points);
  }
  if (points === undefined) {
    if (timespanNs === undefined) return item(granularityNs, null);
    const fitting = timespanNs / granularityNs;
    if (fitting <= 0n) throw new DefinitionError('Calculated number of points is < 0');
    return item(granularityNs, Number(fitting));
  }
  if (timespanNs !== undefined && timespanNs !== granularityNs * BigInt(points)) {
    throw new DefinitionError('timespan ≠ granularity × points');
  }
  return item(granularityNs, points);
}

function item(granularityNs: bigint, points: number | null): ArchivePolicyItem {
  if (granularityNs <= 0n) throw new DefinitionError('Granularity should be > 0');
  if (granularityNs < MIN_GRANULARITY_NS)
    throw new DefinitionError('Granularity should be >= 10 microseconds');
  if (points !== null && !Number.isSafeInteger(points)) throw tooLong();
  const timespanNs = points === null ? null : granularityNs * BigInt(points);
  if (granularityNs > MAX_NS || (timespanNs ?? 0n) > MAX_NS) throw tooLong();
  return { granularityNs, points, timespanNs };
}

function tooLong(): DefinitionError {
  return new DefinitionError('Timespan must be shorter than 292 years');
}

/** ns as seconds the way Python prints a float: `60.0`, `0.1`. */
export function secondsText(ns: bigint): string {
  const seconds = Number(ns) / 1e9;
  return Number.isInteger(seconds) && Math.abs(seconds) < 1e16 ? `${seconds}.0` : String(seconds);
}

/** Every entry that a list of methods may have: methods, methods with a sign, and `*`. */
export const METHOD_ENTRIES: ReadonlySet<string> = new Set([
  '*',
  ...AGGREGATION_METHODS.flatMap((method) => [method, `-${method}`, `+${method}`]),
]);

/**
 * The methods that a list means: `*` is all of them, `-x` takes one away, `+x` adds one; where every entry has a sign,
 * they change the default methods.
 */
export function expandMethods(entries: readonly string[]): string[] {
  const signed = (entry: string): boolean => entry.startsWith('-') || entry.startsWith('+');
  const base = entries.includes('*')
    ? AGGREGATION_METHODS
    : entries.every(signed)
      ? DEFAULT_METHODS
      : entries;
  const methods = new Set(base.filter((entry) => !signed(entry) && entry !== '*'));
  for (const entry of entries.filter(signed)) {
    if (entry.startsWith('+')) methods.add(entry.slice(1));
  }
  for (const entry of entries.filter(signed)) {
    if (entry.startsWith('-')) methods.delete(entry.slice(1));
  }
  return [...methods];
}
