import type { LogEvent, StoredEvent } from '@quipu/contracts';
import {
  MEASURE_NAMES,
  measureKind,
  type PastLevel,
  PastQueries,
  UsageQueries,
  WhyQueries,
  type WhyQuery,
  type WhyItem,
} from '@quipu/read-models';
import fc from 'fast-check';
import type { Contributions } from '../../apps/cli/src/verify/naive/contributions.js';
import { cut } from '../support/generators/arrivals.js';
import { instant, LAST } from '../support/generators/drafts.js';
import { TENANTS, worldEvents } from '../support/generators/worlds.js';
import { grouped, type Group, levelAt, matching, usageBetween } from './brute-force-usage.js';
import { LedgerRig } from './ledger-rig.js';
import { naiveWorld } from './naive-world.js';
import { ALL_LEVELS, maybeOne, platform } from './questions.js';
import { runs } from './runs.js';

const hasPast = (level: (typeof ALL_LEVELS)[number]): level is PastLevel =>
  level !== 'busy' && level !== 'idle' && level !== 'offline';

const question = fc.record({
  level: fc.constantFrom('nodes' as const, 'waiting' as const, 'running' as const),
  /** The same for numbers of the past, which know the other levels as well. */
  anyLevel: fc.constantFrom(...ALL_LEVELS.filter(hasPast)),
  start: fc.option(instant, { nil: undefined }),
  end: instant,
  now: fc.oneof(instant, fc.constant(LAST + 12_345)),
  filters: fc.record({
    tenant: maybeOne(...TENANTS),
    user: maybeOne('ann'),
    queue: maybeOne('build'),
    cluster: maybeOne('c1', 'k1'),
    template: maybeOne('t1'),
    provider: maybeOne('aws'),
  }),
  service: fc.option(fc.constantFrom('db', 'web'), { nil: undefined, freq: 4 }),
  groupBy: fc.subarray<Group>(['tenant', 'user', 'queue', 'cluster'], { maxLength: 2 }),
  bucket: maybeOne('day' as const, 'week' as const, 'month' as const),
  /** Where in the log the question stands: a share of its length, 1 is its end. */
  share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  limit: fc.integer({ min: 1, max: 4 }),
});

type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

const SECONDS = { nodes: 'node_seconds', waiting: 'waiting_seconds', running: 'running_seconds' } as const;

/** Facts in any order, so that corrections land later than what they correct. */
const world = worldEvents(8)
  .chain((events) => fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }))
  .chain((events) => cut(events, 6));

describe('numbers of the past and their reasons, for worlds whose facts come in any order', () => {
  let rig: LedgerRig;
  let past: PastQueries;
  let reasons: WhyQueries;
  let log: StoredEvent[];

  beforeAll(async () => {
    rig = await LedgerRig.open();
    past = new PastQueries(rig.database.pool);
    reasons = new WhyQueries(rig.database.pool);
  });
  afterAll(() => rig.close());

  const played = async (batches: readonly (readonly LogEvent[])[]): Promise<void> => {
    const appends = batches.map((events) => ({ events, before: 'nothing' as const }));
    await rig.play({ appends, maxEvents: 2_000 });
    log = await rig.log.readAfter(0n, { maxEvents: 10_000, maxBytes: 1 << 24 });
  };
  const at = (share: number): { position: bigint; then: Contributions } => {
    const position = log[Math.round((log.length - 1) * share)]?.position ?? 0n;
    return { position, then: naiveWorld(log.filter((event) => event.position <= position)) };
  };

  it('usage is what a fold up to the position makes of it, whatever corrections came later', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.array(question, { minLength: 8, maxLength: 16 }), async (batches, asked) => {
        await played(batches);
        for (const one of asked) await expectPastUsage(past, one, at(one.share));
      }),
      runs(25),
    );
  }, 600_000);

  it('depth is what a fold up to the position makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.array(question, { minLength: 8, maxLength: 16 }), async (batches, asked) => {
        await played(batches);
        for (const { share, now, filters } of asked) {
          const { position, then } = at(share);
          const owner = filters.tenant === undefined ? {} : { tenant: filters.tenant };
          const answer = await past.depth(platform, now, owner, position);
          expect(answer.position).toBe(position);
          expect(answer.rows).toEqual(naiveDepth(then, now, filters.tenant));
        }
      }),
      runs(20),
    );
  }, 600_000);

  it('reasons add up, page by page, to the number at the position', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.array(question, { minLength: 8, maxLength: 16 }), async (batches, asked) => {
        await played(batches);
        for (const one of asked) {
          const { position, then } = at(one.share);
          await expectReasons(reasons, one, position, then);
        }
      }),
      runs(25),
    );
  }, 600_000);

  it('reasons without a position add up to what usage says in the same ledger', async () => {
    const usages = new UsageQueries(rig.database.pool);
    await fc.assert(
      fc.asyncProperty(world, fc.array(question, { minLength: 8, maxLength: 16 }), async (batches, asked) => {
        await played(batches);
        for (const { level, start, end, now, service, filters: raw } of asked) {
          const filters = { ...defined(raw), ...(service === undefined ? {} : { service }) };
          const window = { ...(start === undefined ? {} : { start }), end, now, filters };
          const usage = await usages.usage(platform, { level, ...window });
          const why = await reasons.why(platform, { measure: SECONDS[level], ...window });
          expect([window, why.total]).toEqual([window, usage.rows[0]?.total ?? 0n]);
          expect(why.position).toBe(usage.position);
        }
      }),
      runs(20),
    );
  }, 600_000);
});

function defined(filters: Question['filters']): Record<string, string> {
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

async function expectPastUsage(
  past: PastQueries,
  { anyLevel: level, start, end, now, filters: raw, service, groupBy, bucket }: Question,
  { position, then }: { position: bigint; then: Contributions },
): Promise<void> {
  const filters = defined(raw);
  const query = {
    ...{ level, now, end, groupBy },
    filters: { ...filters, ...(service === undefined ? {} : { service }) },
    ...(start === undefined ? {} : { start }),
    ...(bucket === undefined ? {} : { bucket }),
  };
  const about = JSON.stringify(query);
  const answer = await past.usage(platform, query, position);
  expect(answer.position).toBe(position);
  const seen = matching(then.changes, { level, filters, service });
  expect([about, answer.present]).toEqual([about, seen.length > 0]);
  const groups = grouped(seen, groupBy);
  const cutAt = (t: number): number => Math.min(t, now);
  const expected = [...groups].map(([key, group]) => {
    const values = answer.buckets.map((span) => usageBetween(group, cutAt(span.start), cutAt(span.end)));
    return [key, values.map(String)] as const;
  });
  const nonZero = (rows: readonly (readonly [string, string[]])[]): unknown =>
    Object.fromEntries(rows.filter(([, values]) => values.some((value) => value !== '0')));
  const rows = answer.rows.map(
    (row) => [JSON.stringify(groupBy.map((name) => row.group[name])), row.values.map(String)] as const,
  );
  expect([about, nonZero(rows)]).toEqual([about, nonZero(expected)]);

  const heights = await past.levels(
    platform,
    { level, now, at: [end], groupBy, filters: query.filters },
    position,
  );
  const naive = [...groups].map(([key, group]): [string, string[]] => [
    key,
    [String(levelAt(group, cutAt(end)))],
  ]);
  const levels = heights.rows.map(
    (row) => [JSON.stringify(groupBy.map((name) => row.group[name])), row.values.map(String)] as const,
  );
  expect([about, nonZero(levels)]).toEqual([about, nonZero(naive)]);
}

type DepthRow = Awaited<ReturnType<PastQueries['depth']>>['rows'][number];

function naiveDepth(then: Contributions, now: number, tenant: string | undefined): DepthRow[] {
  const rows = new Map<string, { -readonly [K in keyof DepthRow]: DepthRow[K] }>();
  const rowOf = (of: string, queue: string): { -readonly [K in keyof DepthRow]: DepthRow[K] } => {
    const empty = { queued: 0, delayed: 0, blocked: 0, inProgress: 0, oldestWaitingMs: null };
    const row = rows.get(`${of}\0${queue}`) ?? { tenant: of, queue, ...empty };
    rows.set(`${of}\0${queue}`, row);
    return row;
  };
  for (const { family, tenant: of, labels, score } of then.members) {
    if (family !== 'waiting') continue;
    const row = rowOf(of, labels['queue'] ?? '');
    if (score > now) row.delayed += 1;
    else {
      row.queued += 1;
      row.oldestWaitingMs = Math.max(row.oldestWaitingMs ?? 0, now - score);
    }
  }
  for (const { family, tenant: of, labels, value } of then.amounts) {
    if (family !== 'jobs') continue;
    if (labels['state'] === 'blocked') rowOf(of, labels['queue'] ?? '').blocked += Number(value);
    if (labels['state'] === 'assigned' || labels['state'] === 'running')
      rowOf(of, labels['queue'] ?? '').inProgress += Number(value);
  }
  return [...rows.entries()]
    .filter(([, row]) => tenant === undefined || row.tenant === tenant)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}

async function expectReasons(
  reasons: WhyQueries,
  { level, start, end, now, filters: raw, service, limit }: Question,
  position: bigint,
  then: Contributions,
): Promise<void> {
  const filters = defined(raw);
  const seen = matching(then.changes, { level, filters, service });
  const cutEnd = Math.min(end, now);
  const window = {
    ...{ now, position, limit },
    filters: { ...filters, ...(service === undefined ? {} : { service }) },
  };
  const bounded = { ...window, end, ...(start === undefined ? {} : { start }), events: true };
  const from = start ?? Math.min(cutEnd, ...seen.map(({ t }) => t));
  const usage = from < cutEnd ? usageBetween(seen, from, cutEnd) : 0n;
  await expectPages(reasons, { measure: SECONDS[level], ...bounded }, usage);

  if (level !== 'waiting') {
    const measure = level;
    await expectPages(reasons, { measure, ...window, at: end }, levelAt(seen, cutEnd));
  }
  const owner = filters['tenant'] === undefined ? {} : { tenant: filters['tenant'] };
  const depth = naiveDepth(then, now, filters['tenant']);
  for (const measure of MEASURE_NAMES) {
    const kind = measureKind(measure);
    if (kind.kind !== 'depth') continue;
    const number = depth.reduce((sum, row) => sum + row[kind.column], 0);
    await expectPages(reasons, { measure, now, position, limit, filters: owner }, BigInt(number));
  }
}

async function expectPages(reasons: WhyQueries, query: WhyQuery, expected: bigint): Promise<void> {
  const about = JSON.stringify(query, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
  const found: WhyItem[] = [];
  let pages = 0;
  for (let after: WhyQuery['after']; ;) {
    const page = await reasons.why(platform, { ...query, ...(after === undefined ? {} : { after }) });
    expect([about, page.total]).toEqual([about, expected]);
    expect(page.items.length).toBeLessThanOrEqual(query.limit ?? 100);
    found.push(...page.items);
    pages += 1;
    if (query.events && page.items.some(({ events }) => (events ?? []).length === 0)) {
      throw new Error(`an interval rests on no event: ${about}`);
    }
    if (page.next === null) break;
    after = page.next;
    if (pages > 200) throw new Error('pages without an end');
  }
  expect([about, found.reduce((sum, { amount }) => sum + amount, 0n)]).toEqual([about, expected]);
  const amounts = found.map(({ amount }) => amount);
  expect(amounts).toEqual([...amounts].sort((a, b) => (a > b ? -1 : a < b ? 1 : 0)));
}
