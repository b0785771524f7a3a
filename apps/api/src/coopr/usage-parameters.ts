import { type CalendarUnit } from '@quipu/metering';
import { type UsageFilters } from '@quipu/read-models';
import { isStorable } from '../answers/storable-text.js';

/** Query parameters as they came: the first value of each, raw. */
export type RawParameters = Readonly<Record<string, string | undefined>>;

/** Milliseconds of one unit, as a fraction: value = ms · numerator / denominator. */
export interface TimeUnit {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The checked parameters of a usage question. Times are ms. */
export interface UsageParameters {
  readonly start?: number;
  readonly end?: number;
  readonly groupby?: CalendarUnit;
  readonly unit: TimeUnit;
}

/** Either the parameters or the 400's body. */
export type ParsedParameters =
  { readonly ok: true; readonly parameters: UsageParameters } | { readonly ok: false; readonly body: string };

const UNITS: Readonly<Record<string, TimeUnit>> = {
  nanoseconds: { numerator: 1_000_000n, denominator: 1n },
  microseconds: { numerator: 1_000n, denominator: 1n },
  milliseconds: { numerator: 1n, denominator: 1n },
  seconds: { numerator: 1n, denominator: 1_000n },
  minutes: { numerator: 1n, denominator: 60_000n },
  hours: { numerator: 1n, denominator: 3_600_000n },
  days: { numerator: 1n, denominator: 86_400_000n },
};
const GROUPS: readonly string[] = ['hour', 'day', 'week', 'month', 'year'];

/** Seconds of 0001-01-01T00:00:00Z and of 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;

/** Filters besides the tenant: the parameter's name and the dimension it means. */
const FILTERS: Readonly<Record<string, Exclude<keyof UsageFilters, 'tenant'>>> = {
  user: 'user',
  queue: 'queue',
  cluster: 'cluster',
  clustertemplate: 'template',
  provider: 'provider',
  hardwaretype: 'hardware',
  imagetype: 'image',
  service: 'service',
};

/** The first value of each parameter; unknown ones are kept, and ignored by the readers. */
export function firstValues(query: unknown): RawParameters {
  const first: Record<string, string | undefined> = Object.create(null) as Record<string, string | undefined>;
  for (const [name, value] of Object.entries(query ?? {})) {
    const one: unknown = Array.isArray(value) ? value[0] : value;
    if (typeof one === 'string') first[name] = one;
  }
  return first;
}

/** Checks start and end, then groupby, then timeunit: the first that is wrong decides the body of the 400. */
export function parseUsageParameters(raw: RawParameters): ParsedParameters {
  const start = parseSeconds(raw['start']);
  const end = parseSeconds(raw['end']);
  if (start === null || end === null) {
    const body = `Incorrect value for start ${raw['start'] ?? 'null'} or end ${raw['end'] ?? 'null'} timestamp`;
    return { ok: false, body };
  }
  const { groupby, timeunit } = raw;
  if (groupby !== undefined && !GROUPS.includes(groupby)) {
    return { ok: false, body: `Incorrect value for field groupby: ${groupby}` };
  }
  const name = (timeunit ?? 'seconds').toLowerCase();
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
  if (unit === undefined) return { ok: false, body: `Incorrect value for field timeunit: ${timeunit}` };
  return {
    ok: true,
    parameters: {
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      ...(groupby === undefined ? {} : { groupby: groupby as CalendarUnit }),
      unit,
    },
  };
}

/** The filters asked for, without the tenant's; null if a value holds what no stored text can (NUL, broken UTF-16). */
export function parseFilters(raw: RawParameters): UsageFilters | null {
  const filters: UsageFilters = {};
  for (const [parameter, dimension] of Object.entries(FILTERS)) {
    const value = raw[parameter];
    if (value === undefined) continue;
    if (!isStorable(value)) return null;
    filters[dimension] = value;
  }
  return filters;
}

/** Whole Unix seconds as ms; undefined if absent, null if not a 64-bit integer or outside the years 1 to 9999. */
function parseSeconds(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (!/^[+-]?0*\d{1,19}$/.test(text)) return null;
  const seconds = BigInt(text.startsWith('+') ? text.slice(1) : text);
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) return null;
  return Number(seconds) * 1000;
}
