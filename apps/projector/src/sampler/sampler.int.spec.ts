import { createLogger, createRedis, type Logger, ManualClock } from '@quipu/platform';
import {
  GenerationStore,
  KEPT_GENERATIONS,
  type MetricPoint,
  type PointTotalsReader,
  SAMPLER_LEASE_KEY,
} from '@quipu/read-models';
import { seededRandom } from '../../../../test/crash/support/seeded-random.js';
import { testRedis, type TestRedis } from '../../../../test/support/index.js';
import { Sampler, type SamplerOptions } from './sampler.js';

const T0 = Date.UTC(2026, 2, 2, 12);
const logger = createLogger('test', 'silent');

describe('Sampler', () => {
  let redis: TestRedis;
  let store: GenerationStore;
  let clock: ManualClock;

  beforeAll(async () => {
    redis = await testRedis();
  });
  beforeEach(async () => {
    await redis.redis.flushdb();
    // A machine that is busy with something else keeps Redis waiting for longer than a sampler would.
    store = new GenerationStore(redis.redis, KEPT_GENERATIONS, 60_000);
    clock = new ManualClock(T0);
  });
  afterAll(() => redis.release());

  /** The test says when a lease runs out: by Redis' own clock it does not. */
  const sampler = (options: Partial<SamplerOptions> = {}): Sampler =>
    new Sampler({
      store,
      totals: { read: () => Promise.resolve('missing' as const) },
      host: { look: () => Promise.resolve([{ id: 'host', metric: 'n', type: 'gauge' as const, value: 1 }]) },
      clock,
      logger,
      leaseMs: 600_000,
      ...options,
    });
  const timestamps = async (after = 0): Promise<number[]> =>
    (await store.read({ after })).map(({ timestamp }) => timestamp);

  it('takes one generation on every ten, and none of a ten that is nearer to the next', async () => {
    const one = sampler();
    expect(await one.tick()).toBe('stored');
    expect(await one.tick()).toBe('waiting');
    clock.set(T0 + 10_001);
    expect(await one.tick()).toBe('stored');
    clock.set(T0 + 25_000);
    expect(await one.tick()).toBe('waiting');
    clock.set(T0 + 34_999);
    expect(await one.tick()).toBe('stored');
    expect(await timestamps()).toEqual([0, 10, 30].map((s) => T0 / 1000 + s));
    // Begun anew within the same ten, it does not take it again.
    expect(await sampler({ leaseMs: 1 }).tick()).toBe('standby');
    await one.stop();
    expect(await sampler().tick()).toBe('there');
  });

  it('leaves them to one of two, and goes on when that one is killed', async () => {
    const [one, other] = [sampler(), sampler()];
    expect([await one.tick(), await other.tick()]).toEqual(['stored', 'standby']);
    clock.advance(10_000);
    expect([await other.tick(), await one.tick()]).toEqual(['standby', 'stored']);
    clock.advance(10_000);
    await redis.redis.del(SAMPLER_LEASE_KEY);
    expect(await other.tick()).toBe('stored');
    // Whoever lost the lease without noticing writes nothing.
    clock.advance(10_000);
    const late = { timestamp: clock.now() / 1000, points: [], leftOut: 0, epoch: '' };
    expect(await store.add('somebody', late, clock.now() / 1000)).toBe('lost');
    expect([await one.tick(), await other.tick()]).toEqual(['standby', 'stored']);
  });

  it('loses and doubles no generation in two hours of polling, kills and restarts', async () => {
    const random = seededRandom(20_261_120);
    const HOURS_MS = 2 * 3_600_000;
    const samplers: (Sampler | null)[] = [sampler(), sampler()];
    const restartAt = [0, 0];
    let [leaseEnds, longest] = [0, 0];
    const seen: number[] = [];
    let [cursor, nextPoll] = [0, T0 + 60_000];
    // A part of the seconds that a sampler looks at the clock in: those where it matters.
    const seconds = Array.from({ length: HOURS_MS / 10_000 }, (_, i) => [0, 3, 8].map((s) => i * 10 + s));
    for (const second of seconds.flat()) {
      const now = T0 + second * 1_000 + Math.floor(random() * 500);
      clock.set(now);
      // A lease that its holder left behind runs out; one that is held is simply taken again.
      if (leaseEnds !== 0 && now >= leaseEnds) {
        await redis.redis.del(SAMPLER_LEASE_KEY);
        leaseEnds = 0;
      }
      for (const [i, one] of samplers.entries()) {
        if (one === null) {
          if (now >= restartAt[i]!) samplers[i] = sampler();
          continue;
        }
        await one.tick();
        if (random() > 0.01) continue;
        // Killed, or stopped in order; somebody is there again after a while, seldom both are away.
        if (random() < 0.5) await one.stop();
        const alone = samplers.includes(null);
        samplers[i] = null;
        restartAt[i] = now + 1_000 + Math.floor(random() * (alone ? 2_000 : 60_000));
        if (!alone) longest = Math.max(longest, restartAt[i] - now);
        leaseEnds = now + 3_000;
      }
      if (now < nextPoll) continue;
      const found = await store.read({ after: cursor });
      seen.push(...found.map(({ timestamp }) => timestamp));
      cursor = seen.at(-1) ?? 0;
      // Often soon, at times only just within the half hour.
      nextPoll = now + 1_000 + Math.floor(random() ** 3 * 1_795_000);
      expect(await redis.redis.zcard('{quipu}:generations')).toBeLessThanOrEqual(KEPT_GENERATIONS);
    }
    seen.push(...(await timestamps(cursor)));
    const expected = Array.from({ length: HOURS_MS / 10_000 }, (_, i) => T0 / 1000 + i * 10);
    expect(seen).toEqual(expected);
    expect(longest).toBeGreaterThan(30_000);
  }, 120_000);

  it('leaves them to another once its lease has run out by itself', async () => {
    expect(await sampler().tick()).toBe('stored');
    await redis.redis.pexpire(SAMPLER_LEASE_KEY, 50);
    clock.advance(10_000);
    const other = sampler();
    let outcome = await other.tick();
    while (outcome === 'standby') outcome = await other.tick();
    expect(outcome).toBe('stored');
    expect(await timestamps()).toEqual([0, 10].map((s) => T0 / 1000 + s));
  });

  it('keeps what fits, whole things only, and says how much did not', async () => {
    const look = (): Promise<MetricPoint[]> =>
      Promise.resolve(
        ['a', 'b', 'c'].flatMap((id) =>
          ['x', 'y'].map((metric) => ({ id, metric, type: 'gauge' as const, value: 1 })),
        ),
      );
    await sampler({ host: { look }, mostPoints: 3 }).tick();
    const [newest] = await store.read('newest');
    expect(newest!.lines().map((line) => (JSON.parse(line) as MetricPoint).id)).toEqual(['a', 'a']);
    expect(await store.state()).toMatchObject({ timestamp: T0 / 1000, points: 2, leftOut: 4 });
  });

  it('does not let counters fall, whoever takes the generations, until the ledger is another one', async () => {
    const accrued = { value: 90_000, epoch: 'e1' };
    const read: PointTotalsReader['read'] = () =>
      Promise.resolve({
        epoch: accrued.epoch,
        totals: {
          waiting: [],
          family: (name) => ({
            ...{ name, structure: 1 },
            series: new Map(
              name === 'quipu_node_seconds'
                ? [['x', { tenant: 'acme', labels: {}, value: String(accrued.value) }]]
                : [],
            ),
          }),
        },
      });
    const shown = async (): Promise<number> => {
      const one = sampler({ totals: { read } });
      await one.tick();
      await one.stop();
      clock.advance(10_000);
      const [newest] = await store.read('newest', 'tenant/acme');
      const points = newest!.lines().map((line) => JSON.parse(line) as MetricPoint);
      return points.find(({ metric }) => metric === 'node_seconds')!.value;
    };
    expect(await shown()).toBe(90);
    accrued.value = 80_000;
    expect(await shown()).toBe(90);
    accrued.value = 95_500;
    expect(await shown()).toBe(95.5);
    Object.assign(accrued, { value: 1_000, epoch: 'e2' });
    expect(await shown()).toBe(1);
  });

  it('keeps looking at its host while it stands by, once in ten seconds', async () => {
    let looks = 0;
    const host = { look: () => Promise.resolve(((looks += 1), [])) };
    const [one, other] = [sampler(), sampler({ host })];
    for (let i = 0; i < 12; i += 1, clock.advance(5_000)) {
      await one.tick();
      expect(await other.tick()).toBe('standby');
    }
    expect(looks).toBe(6);
    // It takes the ten that it has only looked at, too.
    clock.set(T0 + 60_000);
    await other.tick();
    await one.stop();
    expect(await other.tick()).toBe('stored');
  });

  it('goes on at once when its clock is set back, and no time is taken twice', async () => {
    const one = sampler();
    await one.tick();
    clock.set(T0 + 100_000);
    await one.tick();
    clock.set(T0 + 50_000);
    expect(await one.tick()).toBe('there');
    clock.set(T0 + 110_000);
    expect(await one.tick()).toBe('stored');
    expect(await timestamps()).toEqual([0, 100, 110].map((s) => T0 / 1000 + s));
    clock.set(T0 + 86_400_000);
    await one.tick();
    clock.set(T0 + 120_000);
    expect(await one.tick()).toBe('stored');
    expect((await timestamps()).at(-1)).toBe(T0 / 1000 + 120);
  });

  it('lets go of generations that a wrong clock dated beyond all that are kept', async () => {
    const wrong = sampler({ clock: new ManualClock(T0 + 86_400_000) });
    await wrong.tick();
    await wrong.stop();
    expect(await sampler().tick()).toBe('stored');
    expect(await timestamps()).toEqual([T0 / 1000]);
  });

  it('takes its generation without its host if that cannot be looked at', async () => {
    const look = (): Promise<MetricPoint[]> => Promise.reject(new Error('no such library'));
    const said: unknown[] = [];
    const warn = (fields: unknown, text: unknown) => void said.push([fields, text]);
    const one = sampler({ host: { look }, logger: Object.assign(Object.create(logger) as Logger, { warn }) });
    expect(await one.tick()).toBe('stored');
    expect(await timestamps()).toEqual([T0 / 1000]);
    expect(said).toContainEqual([{ reason: 'no such library' }, 'a generation without points of the host']);
    await one.stop();
  });

  it('goes on once Redis is back', async () => {
    const away = createRedis('redis://127.0.0.1:1', 'producer');
    const one = sampler({ store: new GenerationStore(away) });
    await expect(one.tick()).rejects.toThrow();
    away.disconnect();
    expect(await sampler().tick()).toBe('stored');
  });
});
