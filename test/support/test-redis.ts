import { randomInt } from 'node:crypto';
import { createRedis, processIdentity } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { testEnvironment } from './environment.js';

/** A logical Redis database of one spec file. Use FLUSHDB in it: FLUSHALL would empty everybody's. */
export interface TestRedis {
  readonly url: string;
  /** A connection to it; ended by `release`. */
  readonly redis: Redis;
  /** Empties the database and gives it back. */
  release(): Promise<void>;
}

/** Database 0 holds the claims, `claim:<n>` → identity of the process that uses database n. */
const DATABASES = 512;

const TAKE_OVER = `if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('set', KEYS[1], ARGV[2]) return 1 end return 0`;

/** Claims an empty logical database; call it in beforeAll and `release` in afterAll. */
export async function testRedis(): Promise<TestRedis> {
  const base = testEnvironment('QUIPU_TEST_REDIS_URL');
  const claims = createRedis(base, 'plain', 'quipu-test-claims');
  const mine = processIdentity(process.pid) ?? String(process.pid);
  try {
    const first = randomInt(1, DATABASES);
    for (let i = 0; i < DATABASES - 1; i += 1) {
      const database = 1 + ((first + i) % (DATABASES - 1));
      if (!(await claim(claims, `claim:${database}`, mine))) continue;
      const url = new URL(base);
      url.pathname = `/${database}`;
      const redis = createRedis(url.href, 'plain', 'quipu-test');
      await redis.flushdb();
      return {
        url: url.href,
        redis,
        async release() {
          await redis.flushdb();
          redis.disconnect();
          const done = createRedis(base, 'plain', 'quipu-test-claims');
          await done.del(`claim:${database}`);
          done.disconnect();
        },
      };
    }
  } finally {
    claims.disconnect();
  }
  throw new Error('All Redis test databases are in use.');
}

async function claim(claims: Redis, key: string, mine: string): Promise<boolean> {
  if ((await claims.set(key, mine, 'NX')) === 'OK') return true;
  const holder = await claims.get(key);
  if (holder === null || processIdentity(Number.parseInt(holder, 10)) === holder) return false;
  return (await claims.eval(TAKE_OVER, 1, key, holder, mine)) === 1;
}
