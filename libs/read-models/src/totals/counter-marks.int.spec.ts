import { createRedis } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { CounterMarks, markKey } from './counter-marks.js';
import { MARK_HOLDS_MS, MARKS_KEY, MOST_MARKS } from './counter-marks-script.js';

const T0 = Date.UTC(2024, 0, 1);
const SECOND = 1_000;
/** Nobody gives up on a Redis that is only slow. */
const LONG_MS = 60_000;
const key = (tenant: string): string => markKey('quipu_node_seconds', tenant, {});

/** What a process shows of totals at an instant. */
async function show(
  marks: CounterMarks,
  truths: Readonly<Record<string, bigint>>,
  at: { log?: string; now?: number; isAway?: boolean } = {},
): Promise<Record<string, bigint>> {
  for (const [tenant, truth] of Object.entries(truths)) marks.note(key(tenant), truth);
  await marks.exchange({ log: 'log-1', now: T0, isAway: false, ...at });
  return Object.fromEntries(
    Object.entries(truths).map(([tenant, truth]) => [tenant, marks.raise(key(tenant), truth)]),
  );
}

describe('marks of counters that accrue', () => {
  let store: TestRedis;
  let a: CounterMarks;
  let b: CounterMarks;

  beforeAll(async () => {
    store = await testRedis();
  });
  beforeEach(async () => {
    await store.redis.flushdb();
    a = new CounterMarks(store.redis, LONG_MS);
    b = new CounterMarks(store.redis, LONG_MS);
  });
  afterAll(() => store.release());

  it('show no less than before and never less than nothing, total by total', async () => {
    for (const marks of [a, new CounterMarks(null)]) {
      const shown: bigint[] = [];
      for (const x of [-196n, 0n, 70n, 101n, 70n, 100n, 102n]) shown.push((await show(marks, { x }))['x']!);
      expect(shown).toEqual([0n, 0n, 70n, 101n, 101n, 101n, 102n]);
      expect(await show(marks, { y: 5n })).toEqual({ y: 5n });
    }
  });

  it('are those of all processes, also of one that is started later', async () => {
    expect(await show(a, { x: 100n, y: 7n })).toEqual({ x: 100n, y: 7n });
    expect(await show(b, { x: 60n, y: 9n, z: 1n })).toEqual({ x: 100n, y: 9n, z: 1n });
    expect(await show(a, { x: 60n, y: 7n, z: 0n })).toEqual({ x: 100n, y: 9n, z: 1n });
    expect(await show(new CounterMarks(store.redis, LONG_MS), { x: 61n, y: 10n })).toEqual({
      x: 100n,
      y: 10n,
    });
  });

  it('are exact, and compared as numbers, whatever their length', async () => {
    const great = 9_007_199_254_740_993n;
    await show(a, { x: great, y: 9n, z: 10n ** 30n + 1n });
    const shown = await show(b, { x: great - 1n, y: 10n, z: 10n ** 30n });
    expect(shown).toEqual({ x: great, y: 10n, z: 10n ** 30n + 1n });
    expect(await show(a, { x: great + 1n, y: 9n })).toEqual({ x: great + 1n, y: 10n });
  });

  it('of several slices are raised in one go', async () => {
    const many = (value: bigint) =>
      Object.fromEntries(Array.from({ length: 1_234 }, (_, i) => [`t${i}`, value + BigInt(i)]));
    await show(a, many(1_000n));
    expect(await show(b, many(600n))).toEqual(many(1_000n));
    expect(await store.redis.hlen(MARKS_KEY)).toBe(1_234 + 2);
  });

  it('are void in another log, and whoever knew them forgets them', async () => {
    await show(a, { x: 100n });
    await show(b, { x: 100n });
    expect(await show(a, { x: 40n }, { log: 'log-2' })).toEqual({ x: 40n });
    expect(await show(b, { x: 41n }, { log: 'log-2' })).toEqual({ x: 41n });
    expect(await show(a, { x: 40n }, { log: 'log-2' })).toEqual({ x: 41n });
  });

  it('that stand above twice the truth for an hour give way, for every process, and say when', async () => {
    const imported = 1_000n;
    await show(a, { x: imported, near: 150n });
    const truths = { x: 400n, near: 100n };
    const last = T0 + MARK_HOLDS_MS;
    expect(await show(b, truths, { now: T0 })).toEqual({ x: imported, near: 150n });
    expect(await show(b, truths, { now: last - 1 })).toEqual({ x: imported, near: 150n });
    expect(b.resets).toBe(0);
    expect(await show(b, truths, { now: last })).toEqual({ x: 400n, near: 150n });
    expect([b.gaveWayMs(key('x')), b.gaveWayMs(key('near')), b.resets]).toEqual([last, 0, 1]);
    // Who knew the mark, and has not heard of it since, does not bring it back.
    expect(await show(a, { x: 401n }, { now: last + SECOND })).toEqual({ x: 401n });
    expect(a.gaveWayMs(key('x'))).toBe(last);
    expect(await show(b, { x: 300n }, { now: last + SECOND })).toEqual({ x: 401n });
  });

  it('that the truth came near to begin their hour anew', async () => {
    await show(a, { x: 1_000n });
    await show(a, { x: 10n }, { now: T0 });
    await show(a, { x: 500n }, { now: T0 + MARK_HOLDS_MS / 2 });
    expect(await show(a, { x: 10n }, { now: T0 + MARK_HOLDS_MS })).toEqual({ x: 1_000n });
    expect(await show(a, { x: 10n }, { now: T0 + 2 * MARK_HOLDS_MS })).toEqual({ x: 10n });
  });

  it('are put back by who knows them when Redis has lost them', async () => {
    await show(a, { x: 100n });
    await store.redis.flushdb();
    expect(await show(a, { x: 60n })).toEqual({ x: 100n });
    expect(await show(b, { x: 61n })).toEqual({ x: 100n });
  });

  it('have a limit: beyond it totals show what they are', async () => {
    await store.redis.eval(
      `for i = 1, ${MOST_MARKS} do redis.call('HSET', KEYS[1], 'f|' .. i, '1  ') end
       redis.call('HSET', KEYS[1], '@log', 'log-1')`,
      1,
      MARKS_KEY,
    );
    const before = await store.redis.hlen(MARKS_KEY);
    await show(a, { x: 100n });
    expect(await show(b, { x: 60n })).toEqual({ x: 60n });
    expect(await store.redis.hlen(MARKS_KEY)).toBe(before);
  });

  it('that cannot be read hold up nobody', async () => {
    await store.redis.set(MARKS_KEY, 'a text');
    expect(await show(a, { x: 100n })).toEqual({ x: 100n });
    expect(await show(a, { x: 60n })).toEqual({ x: 100n });
    await store.redis.del(MARKS_KEY);
    await store.redis.hset(MARKS_KEY, { '@log': 'log-1', [key('x')]: 'no mark at all' });
    expect(await show(b, { x: 60n })).toEqual({ x: 60n });
  });

  it('tell whether another process has raised some since', async () => {
    expect(await a.moved(false)).toBe(true);
    await show(a, { x: 100n });
    expect(await a.moved(false)).toBe(false);
    const revision = a.revision;
    await show(a, { x: 101n });
    expect(a.revision).toBe(revision);
    await show(b, { x: 101n });
    expect(await a.moved(false)).toBe(false);
    await show(b, { x: 102n });
    expect([await a.moved(false), await b.moved(false)]).toEqual([true, false]);
    await show(a, { x: 103n });
    expect(a.revision).toBeGreaterThan(revision);
  });

  /** Redis, but for its scripts. */
  const withScripts = (
    evalsha: (...args: Parameters<Redis['evalsha']>) => Promise<unknown>,
    patienceMs = LONG_MS,
  ): CounterMarks => {
    const redis = { status: 'ready', evalsha, eval: store.redis.eval.bind(store.redis) };
    return new CounterMarks(redis as unknown as Redis, patienceMs);
  };

  it('that rest are not told of, until another process raises some', async () => {
    let told: string[] = [];
    const watched = withScripts((...args) => {
      for (let i = 5; i < args.length; i += 4) told.push(String(args[i]));
      return store.redis.evalsha(...args);
    });
    const tellsOf = async (truths: Readonly<Record<string, bigint>>, expected: readonly string[]) => {
      told = [];
      const shown = await show(watched, truths);
      expect(told).toEqual(expected.map(key));
      return shown;
    };
    const rest = { x: 5n, y: 7n, z: 0n };
    await show(a, { x: 1n });
    await tellsOf(rest, ['x', 'y', 'z']);
    await tellsOf(rest, ['x', 'y', 'z']);
    await tellsOf({ ...rest, y: 8n }, ['y']);
    await tellsOf({ ...rest, y: 8n }, ['z']);
    expect(await tellsOf({ x: 4n, y: 8n, z: 0n }, ['x'])).toEqual({ x: 5n, y: 8n, z: 0n });
    await show(a, { y: 90n, z: 1n });
    // Who sees only one of them hears of it, and the others are not taken to rest.
    await tellsOf({ x: 5n }, ['x']);
    await tellsOf({ x: 5n }, ['x']);
    expect(await tellsOf({ x: 5n, y: 8n, z: 0n }, ['y', 'z'])).toEqual({ x: 5n, y: 90n, z: 1n });
    await show(a, { x: 50n });
    expect(await tellsOf({ x: 5n, y: 91n, z: 1n }, ['y', 'x', 'z'])).toEqual({ x: 50n, y: 91n, z: 1n });
  });

  describe('while Redis is away', () => {
    it('are those of the process, which brings them in later', async () => {
      const redis = createRedis(store.url, 'plain');
      const alone = new CounterMarks(redis, LONG_MS);
      await redis.ping();
      await show(b, { x: 100n });
      expect(await show(alone, { x: 90n })).toEqual({ x: 100n });
      redis.disconnect();
      expect(await show(alone, { x: 130n })).toEqual({ x: 130n });
      expect(await show(alone, { x: 120n })).toEqual({ x: 130n });
      expect(await alone.moved(false)).toBe(false);
      expect(await show(b, { x: 110n })).toEqual({ x: 110n });
      await redis.connect();
      expect(await show(alone, { x: 111n })).toEqual({ x: 130n });
      expect(await show(b, { x: 111n })).toEqual({ x: 130n });
      redis.disconnect();
    });

    it('half-way through, are those that were learned, and the others are raised the next time', async () => {
      const names = Array.from({ length: 500 }, (_, i) => `t${i}`);
      const all = (value: bigint) => Object.fromEntries(names.map((name) => [name, value]));
      await show(a, all(100n));
      let calls = 0;
      const flaky = withScripts((...args) => {
        calls += 1;
        return calls === 2 ? Promise.reject(new Error('gone')) : store.redis.evalsha(...args);
      });
      const shown = Object.values(await show(flaky, all(60n)));
      expect([60n, 100n].map((value) => shown.filter((one) => one === value).length)).toEqual([200, 300]);
      expect(await show(flaky, all(61n))).toEqual(all(100n));
    });

    it('which hangs, are waited for once', async () => {
      let calls = 0;
      const hung = withScripts(() => {
        calls += 1;
        return new Promise(() => undefined);
      }, 50);
      expect(await show(hung, { x: 100n })).toEqual({ x: 100n });
      expect(await show(hung, { x: 60n })).toEqual({ x: 100n });
      expect([calls, await hung.moved(false)]).toEqual([1, false]);
    });
  });
});
