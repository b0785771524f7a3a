import type { LogEvent } from '@quipu/contracts';
import { UsageQueries } from '@quipu/read-models';
import fc from 'fast-check';
import { cut, repeated } from '../support/generators/arrivals.js';
import { FIRST, instant, LAST, moment } from '../support/generators/drafts.js';
import { everyKindEvents, TENANTS, worldEvents } from '../support/generators/worlds.js';
import { grouped, GROUPS, levelAt, matching, usageBetween } from './brute-force-usage.js';
import { type Append, type Arrival, LedgerRig } from './ledger-rig.js';
import { naiveWorld } from './naive-world.js';
import { ALL_LEVELS, maybeOne, platform } from './questions.js';
import { runs } from './runs.js';

const before = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Append['before']>('nothing') },
  { weight: 2, arbitrary: fc.constant<Append['before']>('wait') },
  { weight: 1, arbitrary: fc.constantFrom<Append['before']>('restart', 'flush') },
);

/** Events in some order, some of them twice, cut into appends and those into batches of the projection. */
function arrival(events: readonly LogEvent[]): fc.Arbitrary<Arrival> {
  return repeated(events)
    .chain((all) => cut(all, 12))
    .chain((batches) =>
      fc.record({
        appends: fc.tuple(...batches.map((batch) => fc.record({ events: fc.constant(batch), before }))),
        maxEvents: fc.constantFrom(1, 3, 10, 2_000),
      }),
    );
}

/** A question about usage: a window, filters, a grouping, buckets. */
const question = fc.record({
  level: fc.constantFrom(...ALL_LEVELS),
  start: fc.option(instant, { nil: undefined }),
  end: instant,
  now: fc.oneof(instant, fc.constant(LAST + 12_345)),
  filters: fc.record({
    tenant: maybeOne(...TENANTS),
    user: maybeOne('ann'),
    queue: maybeOne('build'),
    cluster: maybeOne('c1', 'k1', 'w1'),
    provider: maybeOne('aws'),
  }),
  service: fc.option(fc.constantFrom('db', 'web'), { nil: undefined, freq: 4 }),
  groupBy: fc.subarray([...GROUPS], { maxLength: 2 }),
  bucket: maybeOne('quarter' as const, 'hour' as const, 'day' as const, 'week' as const, 'month' as const),
});

describe('worlds of events, appended to the log and projected', () => {
  let rig: LedgerRig;
  let queries: UsageQueries;

  beforeAll(async () => {
    rig = await LedgerRig.open();
    queries = new UsageQueries(rig.database.pool);
  });
  afterAll(() => rig.close());

  it('come to the same tables and totals in any order and any batches, which are those of the naive fold', async () => {
    const twoArrivals = everyKindEvents(8).chain((events) => fc.tuple(arrival(events), arrival(events)));
    await fc.assert(
      fc.asyncProperty(twoArrivals, async ([one, other]) => {
        await rig.play(one);
        const first = await rig.verify();
        expect(first).toMatchObject({ examples: [], ok: true, redis: { compared: true } });
        expect(first.position).toBe(first.head);
        const dump = await rig.dump();
        await rig.play(other);
        expect(await rig.verify()).toMatchObject({ examples: [], ok: true, redis: { compared: true } });
        expect(await rig.dump()).toEqual(dump);
      }),
      runs(20),
    );
  }, 600_000);

  it('are verified when they fill many pages, and an entity more than one', async () => {
    const worlds = fc.sample(everyKindEvents(9), { numRuns: 250, seed: 7 });
    const heartbeats = Array.from({ length: 5_000 }, (_, n): LogEvent => ({
      tenant: 'superadmin',
      source: 'w',
      id: `heartbeat-${n}`,
      type: 'worker.heartbeat',
      subject: 'worker/w1',
      time: LAST + n,
      dataversion: 1,
      data: {},
    }));
    const events = worlds.flatMap((world, n) =>
      world.map((event) => ({ ...event, tenant: `${event.tenant}-${n % 90}`, id: `${n}-${event.id}` })),
    );
    const appends = [events, heartbeats].map((batch): Append => ({ events: batch, before: 'nothing' }));
    await rig.play({ appends, maxEvents: 2_000 });
    const report = await rig.verify();
    expect(report).toMatchObject({ examples: [], ok: true, redis: { compared: true } });
    expect(report.events).toBe(events.length + heartbeats.length);
    expect(report.events).toBeGreaterThan(10_000);
  }, 60_000);

  it('are answered for at any instant, in any bucket and group, as by a sum over every change', async () => {
    await fc.assert(
      fc.asyncProperty(
        worldEvents(8).chain((events) =>
          fc.tuple(fc.constant(events), arrival(events), fc.array(question, { minLength: 5, maxLength: 15 })),
        ),
        async ([events, told, questions]) => {
          await rig.play(told);
          for (const asked of questions) await expectBruteForce(queries, events, asked);
        },
      ),
      runs(12),
    );
  }, 600_000);
});

type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

async function expectBruteForce(
  queries: UsageQueries,
  events: readonly LogEvent[],
  asked: Question,
): Promise<void> {
  const { level, now, groupBy, service, bucket, start, end } = asked;
  const { changes } = naiveWorld(events);
  const filters = Object.fromEntries(
    Object.entries(asked.filters).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  const seen = matching(changes, { level, filters, service });
  const groups = grouped(seen, groupBy);

  // Years of quarter-hours are more buckets than an answer may have.
  const fine =
    bucket === 'quarter' || bucket === 'hour' ? Math.max(start ?? end, end - 90 * 86_400_000) : start;
  const query = {
    level,
    now,
    groupBy,
    end,
    filters: { ...filters, ...(service === undefined ? {} : { service }) },
    ...(fine === undefined ? {} : { start: fine }),
    ...(bucket === undefined ? {} : { bucket }),
  };
  const answer = await queries.usage(platform, query);
  const about = JSON.stringify({ ...query, end: moment(end), now: moment(now) });

  if (fine === undefined) {
    const all = changes.filter((change) => change.level === level).map(({ t }) => t);
    expect([about, answer.start]).toEqual([about, all.length === 0 ? null : Math.min(...all)]);
  }
  const from = Math.min(answer.start ?? FIRST, end);
  const expected = [...groups].map(([key, group]): [string, bigint] => [
    key,
    usageBetween(group, Math.min(from, now), Math.max(Math.min(end, now), Math.min(from, now))),
  ]);
  const totals = answer.rows.map((row): [string, bigint] => [
    JSON.stringify(groupBy.map((name) => row.group[name])),
    row.total,
  ]);
  expect([about, nonZero(totals)]).toEqual([about, nonZero(expected)]);

  for (const row of answer.rows) {
    const group = groups.get(JSON.stringify(groupBy.map((name) => row.group[name]))) ?? [];
    const values = answer.buckets.map((span) =>
      usageBetween(group, Math.min(span.start, now), Math.min(span.end, now)),
    );
    expect([about, row.values]).toEqual([about, values]);
  }

  const at = await queries.levels(platform, { level, now, at: [end], groupBy, filters: query.filters });
  const levels = at.rows.map((row): [string, bigint] => [
    JSON.stringify(groupBy.map((name) => row.group[name])),
    row.total,
  ]);
  const height = [...groups].map(([key, group]): [string, bigint] => [
    key,
    levelAt(group, Math.min(end, now)),
  ]);
  expect([about, nonZero(levels)]).toEqual([about, nonZero(height)]);
}

function nonZero(pairs: readonly (readonly [string, bigint])[]): Record<string, string> {
  return Object.fromEntries(
    pairs.filter(([, value]) => value !== 0n).map(([key, value]) => [key, `${value}`]),
  );
}
