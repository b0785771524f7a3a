import type { Scope } from '@quipu/access';
import { calendarBuckets, type BucketKind, type CalendarUnit, type Span } from '@quipu/metering';
import { InvalidTimeRangeError, withTransaction } from '@quipu/platform';
import type { Pool, PoolClient } from 'pg';
import { LiveLedger } from '../live-ledger.js';
import { withinScope } from '../scoped-filters.js';
import type { Dimension, LevelName, UsageFilters } from './dimensions.js';
import { usageStatement, type UsageRead, type UsageRow } from './usage-statement.js';

/** A question about usage. All times are ms since the epoch. */
export interface UsageQuery {
  level: LevelName;
  /** The instant of asking: nothing accrues after it, whatever `end` says. */
  now: number;
  /** Default: the earliest change of the level in the caller's scope, whatever the other filters. */
  start?: number;
  /** Default: `now`. */
  end?: number;
  filters?: UsageFilters;
  /** Only these keys of whole tuples (`usage_keys.key_id`), for callers that can work them out. */
  keys?: readonly string[];
  groupBy?: readonly Dimension[];
  /** Split the window at calendar boundaries (UTC); first and last bucket are clipped. Default: one bucket. */
  bucket?: CalendarUnit;
  /** Most buckets an answer may have; default 100,000. */
  maxBuckets?: number;
  /** Most values, buckets times groups, that an answer may have; default: no limit. */
  maxValues?: number;
}

/** Usage of one group. */
export interface UsageGroup {
  /** The value of each dimension grouped by; null where it is unknown. */
  group: Partial<Record<Dimension, string | null>>;
  /** Exact level·milliseconds per bucket of the answer. */
  values: bigint[];
  total: bigint;
}

/** An answer: windows, values, and where in the log it stands. */
export interface UsageAnswer {
  position: bigint;
  /** The instant the answer stands at, ms: the query's `now`. */
  asOf: number;
  /** Null if no start was given and the scope has no change of the level. */
  start: number | null;
  end: number;
  /** False if no change at all matches the filters, inside or outside the window. */
  present: boolean;
  buckets: Span[];
  /** One entry without a grouping; with one, the groups that have usage, ordered by group. */
  rows: UsageGroup[];
}

/** A question about a level at instants. */
export interface LevelQuery {
  level: LevelName;
  now: number;
  /** Instants, ms; later than `now` counts as `now`. */
  at: readonly number[];
  filters?: UsageFilters;
  groupBy?: readonly Dimension[];
}

const MAX_BUCKETS = 100_000;
const ROW_KIND: Readonly<Record<CalendarUnit, BucketKind>> = {
  quarter: 1,
  hour: 1,
  day: 2,
  week: 2,
  month: 3,
  year: 3,
};

interface Sums {
  d: bigint;
  s: bigint;
}

/** What one group's rows of the statement hold. */
interface GroupSums {
  group: Partial<Record<Dimension, string | null>>;
  points: Sums[];
  rows: { bucket: number; d: bigint; s: bigint }[];
}

/**
 * Usage, the integral of a level over time: usage up to `T` is Σ d·(T − t) over the changes at t ≤ T, and
 * a window is the difference of two such sums. Reads O(buckets) rows, never the changes of the window.
 */
export class UsageQueries {
  private readonly ledger: LiveLedger;

  constructor(private readonly pool: Pool) {
    this.ledger = new LiveLedger(pool);
  }

  /**
   * Answers a question inside the scope; `client` asks inside its own transaction, which must be one snapshot.
   * @throws TenantForbiddenError if a filter lies outside the scope.
   * @throws InvalidTimeRangeError if the window has more than `maxBuckets` buckets, or the answer more values.
   */
  async usage(scope: Scope, query: UsageQuery, client?: PoolClient): Promise<UsageAnswer> {
    const filters = withinScope(scope, query.filters ?? {});
    const { start } = query;
    if (start !== undefined) return this.window(scope, { ...query, filters, start }, client);
    if (query.bucket === undefined) return this.wholeRange(scope, { ...query, filters }, client);
    // The boundaries depend on the earliest change: both statements must see the same snapshot.
    const both = async (inside: PoolClient): Promise<UsageAnswer> => {
      const first = await this.read(scope, { ...query, filters }, { points: [], earliest: true }, inside);
      if (first.earliest === null) return emptyAnswer(first, query);
      return this.window(scope, { ...query, filters, start: first.earliest }, inside);
    };
    if (client !== undefined) return both(client);
    return withTransaction(this.pool, both, { isolation: 'repeatable read', readOnly: true });
  }

  /** The earliest change of a level in the scope, ms, or null. */
  async earliestStart(
    scope: Scope,
    level: LevelName,
    now: number,
    client?: PoolClient,
  ): Promise<number | null> {
    const filters = withinScope(scope, {});
    const parts = { points: [], earliest: true };
    return (await this.read(scope, { level, now, filters }, parts, client)).earliest;
  }

  /** The level right after the changes at or before each instant, per group; zero groups are left out. */
  async levels(
    scope: Scope,
    query: LevelQuery,
    client?: PoolClient,
  ): Promise<{ position: bigint; rows: UsageGroup[] }> {
    const filters = withinScope(scope, query.filters ?? {});
    const points = query.at.map((t) => Math.min(t, query.now));
    const read = await this.read(scope, { ...query, filters }, { points, earliest: false }, client);
    return {
      position: read.position,
      rows: toRows(read.groups, query.groupBy ?? [], (group) => group.points.map((point) => point.d)),
    };
  }

  /** From the earliest change on: nothing precedes it, so one sum up to the end is the whole answer. */
  private async wholeRange(
    scope: Scope,
    query: UsageQuery & { filters: UsageFilters },
    client?: PoolClient,
  ): Promise<UsageAnswer> {
    const end = query.end ?? query.now;
    const cut = Math.min(end, query.now);
    const read = await this.read(scope, query, { points: [cut - 1], earliest: true }, client);
    if (read.earliest === null) return emptyAnswer(read, query);
    const bucket = { start: read.earliest, end: Math.max(read.earliest, end) };
    return answer(read, query, [bucket], (group) => [integral(group.points[0], cut)]);
  }

  private async window(
    scope: Scope,
    query: UsageQuery & { filters: UsageFilters; start: number },
    client?: PoolClient,
  ): Promise<UsageAnswer> {
    const { start, now } = query;
    const end = query.end ?? now;
    const cut = Math.min(end, now);
    const buckets = bucketsOf(start, end, query.bucket, query.maxBuckets ?? MAX_BUCKETS);
    const inner = buckets
      .slice(1)
      .map((span) => span.start)
      .filter((t) => t < cut);
    const first = inner[0];
    const last = inner.at(-1);
    // Usage up to T needs the changes before T; read up to T − 1 so that a bucket row that begins at T is
    // not counted a second time when the running sums go on from there.
    const instants = cut <= start ? [] : first === undefined ? [start, cut] : [start, cut, first];
    const rows =
      first !== undefined && last !== undefined && last > first
        ? { kind: ROW_KIND[query.bucket!], from: first, to: last, hourly: query.bucket === 'hour' }
        : null;
    const points = instants.map((t) => t - 1);
    const read = await this.read(scope, query, { points, rows, earliest: false }, client);
    if (read.groups.length * buckets.length > (query.maxValues ?? Infinity)) {
      throw new InvalidTimeRangeError(
        `${read.groups.length} groups in ${buckets.length} buckets are too many.`,
        {
          hint: 'Choose a longer bucket, a shorter window or a filter.',
        },
      );
    }
    return answer(read, { ...query, start }, buckets, (group) => {
      const totals = instants.length === 0 ? [] : running(group, start, inner, cut);
      return buckets.map((_, i) => (totals[i + 1] ?? 0n) - (totals[i + 1] === undefined ? 0n : totals[i]!));
    });
  }

  private async read(
    scope: Scope,
    query: Pick<UsageQuery, 'level' | 'groupBy' | 'keys'> & { filters: UsageFilters; now: number },
    parts: { points: number[]; rows?: UsageRead['rows']; earliest: boolean },
    client?: PoolClient,
  ): Promise<UsageReadResult> {
    const groupBy = query.groupBy ?? [];
    const { position, rows } = await this.ledger.read<UsageRow>(
      (schema) =>
        usageStatement(schema, {
          level: query.level,
          filters: query.filters,
          ...(query.keys === undefined ? {} : { keys: query.keys }),
          groupBy,
          points: parts.points,
          rows: parts.rows ?? null,
          earliestOf: parts.earliest ? withinScope(scope, {}) : null,
        }),
      client,
    );
    const earliest = rows[0]?.earliest ?? null;
    return {
      position,
      earliest: earliest === null ? null : Number(earliest),
      present: rows[0]?.present ?? false,
      groups: collect(rows, groupBy, parts.points.length),
    };
  }
}

interface UsageReadResult {
  position: bigint;
  earliest: number | null;
  present: boolean;
  groups: GroupSums[];
}

function bucketsOf(start: number, end: number, unit: CalendarUnit | undefined, limit: number): Span[] {
  if (unit === undefined) return [{ start, end: Math.max(start, end) }];
  try {
    return calendarBuckets(start, end, unit, limit);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidTimeRangeError(`The window has more than ${limit} buckets.`, {
      cause: error,
      hint: 'Choose a longer bucket or a shorter window.',
    });
  }
}

/** Gathers the statement's rows by group. */
function collect(rows: readonly UsageRow[], groupBy: readonly Dimension[], points: number): GroupSums[] {
  const groups = new Map<string, GroupSums>();
  for (const row of rows) {
    if (row.part === null) continue;
    const values = groupBy.map((_, i) => row[`g${i}`] ?? null);
    const key = JSON.stringify(values);
    let group = groups.get(key);
    if (!group) {
      group = {
        group: Object.fromEntries(groupBy.map((dimension, i) => [dimension, values[i] ?? null])),
        points: Array.from({ length: points }, () => ({ d: 0n, s: 0n })),
        rows: [],
      };
      groups.set(key, group);
    }
    const sums = { d: BigInt(row.d ?? 0), s: BigInt(row.s ?? 0) };
    if (row.part === 'p') group.points[Number(row.at)] = sums;
    else group.rows.push({ bucket: Number(row.at), ...sums });
  }
  return [...groups.values()];
}

/** ∫ level up to `t` from the sums over the changes before it. */
function integral(sums: Sums | undefined, t: number): bigint {
  return sums ? sums.d * BigInt(t) - sums.s : 0n;
}

/** The integral at the start, at each inner boundary, and at the cut. */
function running(group: GroupSums, start: number, inner: readonly number[], cut: number): bigint[] {
  const [atStart, atCut, atFirst] = group.points;
  const totals = [integral(atStart, start)];
  let { d, s } = atFirst ?? { d: 0n, s: 0n };
  let next = 0;
  for (const boundary of inner) {
    for (; next < group.rows.length && group.rows[next]!.bucket < boundary; next += 1) {
      d += group.rows[next]!.d;
      s += group.rows[next]!.s;
    }
    totals.push(d * BigInt(boundary) - s);
  }
  totals.push(integral(atCut, cut));
  return totals;
}

function answer(
  read: UsageReadResult,
  query: Pick<UsageQuery, 'now' | 'start' | 'end' | 'groupBy'>,
  buckets: Span[],
  valuesOf: (group: GroupSums) => bigint[],
): UsageAnswer {
  return {
    position: read.position,
    asOf: query.now,
    start: query.start ?? buckets[0]!.start,
    end: query.end ?? query.now,
    present: read.present,
    buckets,
    rows: toRows(read.groups, query.groupBy ?? [], valuesOf, buckets.length),
  };
}

/** The answer for a scope that has no change of the level at all: one empty bucket from the epoch. */
function emptyAnswer(read: UsageReadResult, query: UsageQuery): UsageAnswer {
  const end = query.end ?? query.now;
  const rows = query.groupBy?.length ? [] : [{ group: {}, values: [0n], total: 0n }];
  return {
    position: read.position,
    asOf: query.now,
    start: null,
    end,
    present: false,
    buckets: [{ start: 0, end: Math.max(0, end) }],
    rows,
  };
}

function toRows(
  groups: readonly GroupSums[],
  groupBy: readonly Dimension[],
  valuesOf: (group: GroupSums) => bigint[],
  width = 1,
): UsageGroup[] {
  const rows = groups.map((sums) => {
    const values = valuesOf(sums);
    return { group: sums.group, values, total: values.reduce((a, b) => a + b, 0n) };
  });
  if (groupBy.length === 0) {
    return rows.length > 0
      ? rows
      : [{ group: {}, values: Array.from({ length: width }, () => 0n), total: 0n }];
  }
  return rows
    .filter((row) => row.values.some((value) => value !== 0n))
    .map((row) => ({ row, key: groupBy.map((dimension) => row.group[dimension] ?? '').join('\u0000') }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}
