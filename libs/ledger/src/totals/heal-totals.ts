import { noIoSteps } from '@quipu/platform';
import { type Redis } from 'ioredis';
import { type Pool } from 'pg';
import { type LoadedTotals, loadTotals } from './load-totals.js';
import { LuaScript } from './lua-script.js';
import { TORN, TOTALS_KEY } from './totals-keys.js';

/** Nobody applies a batch to totals that are marked, and nobody is answered from them. */
const markScript = new LuaScript(`
if redis.call('HEXISTS', KEYS[1], '@position') == 1 then redis.call('HSET', KEYS[1], '@position', ARGV[1]) end
return 'marked'
`);

/**
 * Replaces the totals in Redis by what Postgres holds, beside a running projection: they are marked as torn, so that
 * readers turn to Postgres at once, and loaded anew. A projection that sees the mark loads them as well; whichever
 * load is further on stays.
 * @throws when Postgres or Redis fails; the mark stays then, and whoever runs the projection heals it.
 */
export async function healTotals(options: { redis: Redis; pool: Pool }): Promise<LoadedTotals> {
  await markScript.run(options.redis, [TOTALS_KEY], [TORN]);
  return loadTotals({ ...options, io: noIoSteps });
}
