import { scopeOf, type Principal, type Scope } from '@quipu/access';
import { calendarBuckets, integrateSteps, levelAt, type CalendarUnit } from '@quipu/metering';
import { InvalidTimeRangeError, TenantForbiddenError } from '@quipu/platform';
import fc from 'fast-check';
import { testDatabase, type TestDatabase } from '../../../../test/support/index.js';
import { clearLevels, writeLevels, type TestChange } from '../../test/write-levels.js';
import { DIMENSIONS, LEVELS, type Dimension, type LevelName, type UsageFilters } from './dimensions.js';
import { UsageQueries } from './usage-queries.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2024-02-28T23:50Z: a day before a leap day, near a month's end, in the middle of a quarter-hour. */
const BASE = Date.UTC(2024, 1, 28, 23, 50);

function scope(tenantId: string, role: Principal['role'], name = 'admin'): Scope {
  return scopeOf({ tenantId, tenantName: tenantId, name, role, sourcePrefix: null })!;
}
const platform = scope('superadmin', 'superadmin');

function matches(change: TestChange, filters: UsageFilters): boolean {
  const { service, ...dims } = filters;
  if (service !== undefined && !(change.services ?? []).includes(service)) return false;
  return Object.entries(dims).every(([name, value]) => change[name as Dimension] === value);
}

describe('UsageQueries', () => {
  let database: TestDatabase;
  let queries: UsageQueries;

  beforeAll(async () => {
    database = await testDatabase();
    queries = new UsageQueries(database.pool);
  });
  afterAll(() => database.drop());
  beforeEach(() => clearLevels(database.pool));

  /** A node of `tenant` held over [from, to). */
  function held(
    tenant: string,
    from: number,
    to: number | null,
    more: Partial<TestChange> = {},
  ): TestChange[] {
    const start: TestChange = { level: 1, tenant, t: from, d: 1, ...more };
    return to === null ? [start] : [start, { ...start, t: to, d: -start.d }];
  }

  it('lets live nodes accrue to now and no further', async () => {
    await writeLevels(database.pool, held('a', BASE, null));
    const now = BASE + 5_000;
    const soon = await queries.usage(platform, { level: 'nodes', now });
    expect(soon.rows).toEqual([{ group: {}, values: [5_000n], total: 5_000n }]);
    expect(soon.start).toBe(BASE);
    const future = await queries.usage(platform, { level: 'nodes', now, start: BASE - 10, end: now + DAY });
    expect(future.rows[0]!.total).toBe(5_000n);
  });

  it('does not count level changes that lie in the future', async () => {
    await writeLevels(database.pool, [...held('a', BASE, null), ...held('a', BASE + 2_000, BASE + 9_000)]);
    const { rows } = await queries.usage(platform, { level: 'nodes', now: BASE + 3_000 });
    expect(rows[0]!.total).toBe(4_000n);
  });

  it('answers an instant inside a quarter-hour from the changes of that quarter-hour', async () => {
    await writeLevels(database.pool, [...held('a', BASE, BASE + 100), ...held('b', BASE + 50, BASE + 200)]);
    const now = BASE + DAY;
    const { rows } = await queries.usage(platform, { level: 'nodes', now, start: BASE + 10, end: BASE + 60 });
    expect(rows[0]!.total).toBe(60n);
  });

  it('gives one empty bucket for a window that ends before it starts', async () => {
    await writeLevels(database.pool, held('a', BASE, null));
    const answer = await queries.usage(platform, {
      level: 'nodes',
      now: BASE + DAY,
      start: BASE + 500,
      end: BASE + 200,
      bucket: 'hour',
    });
    expect(answer.buckets).toEqual([{ start: BASE + 500, end: BASE + 500 }]);
    expect(answer.rows).toEqual([{ group: {}, values: [0n], total: 0n }]);
  });

  it('says when nothing at all matches the filters', async () => {
    await writeLevels(database.pool, held('a', BASE, null, { user: 'ann' }));
    const ask = (user: string) =>
      queries.usage(platform, { level: 'nodes', now: BASE + 9, filters: { user } });
    expect((await ask('ann')).present).toBe(true);
    expect(await ask('bob')).toMatchObject({ present: false, start: BASE, rows: [{ total: 0n }] });
  });

  it('starts at the earliest change of the scope whatever the other filters', async () => {
    await writeLevels(database.pool, [
      ...held('a', BASE - 7 * DAY, null, { user: 'ann' }),
      ...held('b', BASE, null, { user: 'bob' }),
      ...held('b', BASE + 60_000, null, { user: 'eve', cluster: 'c' }),
    ]);
    const now = BASE + HOUR;
    const start = async (who: Scope, filters: UsageFilters = {}) =>
      (await queries.usage(who, { level: 'nodes', now, filters })).start;
    expect(await start(platform, { user: 'eve' })).toBe(BASE - 7 * DAY);
    expect(await start(scope('b', 'admin'), { cluster: 'c' })).toBe(BASE);
    expect(await start(scope('b', 'user', 'eve'))).toBe(BASE + 60_000);
    expect(await start(scope('nobody', 'admin'))).toBeNull();
    expect(await queries.earliestStart(scope('b', 'admin'), 'nodes', now)).toBe(BASE);
    expect(await queries.earliestStart(platform, 'waiting', now)).toBeNull();
  });

  it('never reads outside the scope', async () => {
    await writeLevels(database.pool, [
      ...held('a', BASE, null, { user: 'ann' }),
      ...held('b', BASE, null, { user: 'ann' }),
      ...held('b', BASE, null, { user: 'bob' }),
    ]);
    const now = BASE + 1_000;
    const total = async (who: Scope, filters: UsageFilters = {}) =>
      (await queries.usage(who, { level: 'nodes', now, filters })).rows[0]!.total;
    expect(await total(platform, { user: 'ann' })).toBe(2_000n);
    expect(await total(scope('b', 'admin'), { user: 'ann' })).toBe(1_000n);
    expect(await total(scope('b', 'user', 'bob'))).toBe(1_000n);
    await expect(total(scope('b', 'admin'), { tenant: 'a' })).rejects.toThrow(TenantForbiddenError);
    await expect(total(scope('b', 'user', 'bob'), { user: 'ann' })).rejects.toThrow(TenantForbiddenError);
    const grouped = await queries.usage(scope('b', 'admin'), {
      level: 'nodes',
      now,
      groupBy: ['tenant', 'user'],
    });
    expect(grouped.rows.map((row) => row.group)).toEqual([
      { tenant: 'b', user: 'ann' },
      { tenant: 'b', user: 'bob' },
    ]);
  });

  it('refuses more buckets than allowed', async () => {
    const query = {
      level: 'nodes',
      now: BASE,
      start: 0,
      end: BASE,
      bucket: 'hour',
      maxBuckets: 1_000,
    } as const;
    await expect(queries.usage(platform, query)).rejects.toThrow(InvalidTimeRangeError);
  });

  it('carries the checkpoint position of the same snapshot', async () => {
    await database.pool.query(
      `UPDATE projections SET position = 42 WHERE name = 'ledger' AND status = 'live'`,
    );
    expect((await queries.usage(platform, { level: 'nodes', now: BASE })).position).toBe(42n);
    await database.pool.query(
      `UPDATE projections SET position = 0 WHERE name = 'ledger' AND status = 'live'`,
    );
  });

  it('equals brute force over random changes, filters, groupings and windows', async () => {
    const word = (...words: string[]) => fc.option(fc.constantFrom(...words), { nil: undefined });
    const instant = fc.oneof(
      fc.integer({ min: BASE - 40 * DAY, max: BASE + 40 * DAY }),
      fc.integer({ min: BASE - HOUR, max: BASE + HOUR }),
      fc.constantFrom(BASE - 50 * 60_000, BASE + 10 * 60_000, Date.UTC(2024, 2, 1), Date.UTC(2024, 1, 29)),
    );
    const change = fc.record({
      level: fc.constantFrom(1 as const, 3 as const),
      tenant: fc.constantFrom('a', 'b'),
      user: word('ann', 'bob'),
      queue: word('q', ''),
      cluster: word('c1', 'c2'),
      provider: word('p'),
      services: fc.subarray(['db', 'web']),
      t: instant,
      d: fc.integer({ min: -5, max: 1_000_000 }).filter((d) => d !== 0),
    });
    const model = fc.record({
      changes: fc.array(change, { maxLength: 25 }),
      level: fc.constantFrom<LevelName>('nodes', 'running'),
      start: fc.option(instant, { nil: undefined }),
      end: instant,
      now: instant,
      unit: fc.option(fc.constantFrom<CalendarUnit>('quarter', 'hour', 'day', 'week', 'month', 'year'), {
        nil: undefined,
      }),
      filters: fc.record(
        {
          tenant: fc.constantFrom('a', 'b'),
          user: fc.constantFrom('ann', 'bob'),
          queue: fc.constantFrom('q', ''),
          cluster: fc.constantFrom('c1', 'c2'),
          provider: fc.constant('p'),
          service: fc.constantFrom('db', 'web'),
        },
        { requiredKeys: [] },
      ),
      groupBy: fc.subarray<Dimension>([...DIMENSIONS]).map((dims) => dims.slice(0, 3)),
      ats: fc.array(instant, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(model, async (m) => {
        await clearLevels(database.pool);
        await writeLevels(database.pool, m.changes as TestChange[]);
        const steps = (m.changes as TestChange[]).filter((c) => c.level === LEVELS[m.level]);
        const filters = m.filters as UsageFilters;
        const picked = steps.filter((c) => matches(c, filters));
        const answer = await queries.usage(platform, {
          level: m.level,
          now: m.now,
          end: m.end,
          filters,
          groupBy: m.groupBy,
          ...(m.start === undefined ? {} : { start: m.start }),
          ...(m.unit === undefined ? {} : { bucket: m.unit }),
        });
        const earliest = steps.length === 0 ? null : Math.min(...steps.map((c) => c.t));
        const start = m.start ?? earliest;
        expect(answer.start).toBe(start);
        expect(answer.present).toBe(picked.length > 0);
        const expected = new Map<string, { values: bigint[]; levels: bigint[] }>();
        const spans =
          start === null
            ? answer.buckets
            : m.unit === undefined
              ? [{ start, end: Math.max(start, m.end) }]
              : calendarBuckets(start, m.end, m.unit);
        expect(answer.buckets).toEqual(spans);
        const groups = new Map<string, TestChange[]>();
        if (m.groupBy.length === 0) groups.set('[]', []);
        for (const c of picked) {
          const key = JSON.stringify(m.groupBy.map((dim) => c[dim] ?? null));
          groups.set(key, [...(groups.get(key) ?? []), c]);
        }
        for (const [key, members] of groups) {
          const values = spans.map((span) => integrateSteps(members, span.start, Math.min(span.end, m.now)));
          const levels = m.ats.map((t) => levelAt(members, Math.min(t, m.now)));
          expected.set(key, { values, levels });
        }
        const shown = (rows: typeof answer.rows) =>
          new Map(rows.map((row) => [JSON.stringify(m.groupBy.map((d) => row.group[d])), row.values]));
        const keep = (which: 'values' | 'levels') =>
          new Map(
            [...expected]
              .filter(([, e]) => m.groupBy.length === 0 || e[which].some((value) => value !== 0n))
              .map(([key, e]) => [key, e[which]]),
          );
        expect(shown(answer.rows)).toEqual(keep('values'));
        if (m.ats.length > 0 && picked.length > 0) {
          const levels = await queries.levels(platform, {
            level: m.level,
            now: m.now,
            at: m.ats,
            filters,
            groupBy: m.groupBy,
          });
          expect(shown(levels.rows)).toEqual(keep('levels'));
        }
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
