import { createLogger, ManualClock } from '@quipu/platform';
import { GENERATION_SECONDS, GenerationStore, KEPT_GENERATIONS, SAMPLER_LEASE_KEY } from '@quipu/read-models';
import { seededRandom } from '../../../../test/crash/support/seeded-random.js';
import { testRedis } from '../../../../test/support/index.js';
import { Sampler } from './sampler.js';

const T0 = Date.UTC(2026, 2, 2, 12);
/** How wrong a server's clock may be, ms; and how long a collector lets pass, so that what is kept reaches as far. */
const MOST_SKEW_MS = 300_000;
const LONGEST_PAUSE_MS = 1_200_000;
const STEPS = 600;

test('a collector misses and repeats nothing while clocks of two servers jump, tens are missed and leases run out', async () => {
  const redis = await testRedis();
  const store = new GenerationStore(redis.redis, KEPT_GENERATIONS, 60_000);
  const random = seededRandom(20_261_121);
  const between = (least: number, most: number): number => Math.floor(least + random() * (most - least));
  const server = () => {
    const clock = new ManualClock(T0);
    const make = (): Sampler =>
      new Sampler({
        ...{ store, clock, logger: createLogger('test', 'silent'), leaseMs: 600_000 },
        totals: { read: () => Promise.resolve('missing' as const) },
        host: { look: () => Promise.resolve([{ id: 'host', metric: 'n', type: 'gauge', value: 1 }]) },
      });
    return { clock, make, sampler: make(), skew: 0 };
  };
  const servers = [server(), server()];
  let now = T0;
  const stored: number[] = [];
  const seen: number[] = [];
  let nextPoll = T0;
  const jumps = { back: 0, ahead: 0 };
  try {
    for (let step = 0; step < STEPS; step += 1) {
      now += between(500, 14_000);
      for (const one of servers) {
        if (random() < 0.04) {
          const before = one.skew;
          one.skew = between(-MOST_SKEW_MS, MOST_SKEW_MS);
          jumps[one.skew < before ? 'back' : 'ahead'] += 1;
        }
        one.clock.set(now + one.skew);
        await one.sampler.tick();
        if (random() > 0.02) continue;
        // Killed, and somebody else holds the lease soon; or stopped in order.
        if (random() < 0.5) await one.sampler.stop();
        else await redis.redis.del(SAMPLER_LEASE_KEY);
        one.sampler = one.make();
      }
      const kept = (await redis.redis.zrange('{quipu}:generations', '0', '-1')).map(Number);
      const newer = kept.filter((timestamp) => timestamp > (stored.at(-1) ?? 0));
      // What is added is later than all there was, so that no collector is past it.
      expect(kept.slice(0, kept.length - newer.length)).toEqual(stored.slice(newer.length - kept.length));
      expect(newer.filter((timestamp) => timestamp % GENERATION_SECONDS !== 0)).toEqual([]);
      stored.push(...newer);
      if (now < nextPoll) continue;
      seen.push(...(await store.read({ after: seen.at(-1) ?? 0 })).map(({ timestamp }) => timestamp));
      nextPoll = now + between(0, LONGEST_PAUSE_MS);
    }
    seen.push(...(await store.read({ after: seen.at(-1) ?? 0 })).map(({ timestamp }) => timestamp));
    expect(seen).toEqual(stored);
    expect(stored.length).toBeGreaterThan(STEPS / 5);
    expect(Math.min(jumps.back, jumps.ahead)).toBeGreaterThan(5);
  } finally {
    await redis.release();
  }
});
