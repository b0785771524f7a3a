import { Client } from 'pg';
import { ServiceStartError, StoreUnavailableError, errorMessage } from '../errors.js';
import { maskUrl, type Logger } from '../logger.js';
import { clientConfig } from '../pg/create-pool.js';
import { createRedis } from '../redis/create-redis.js';

const OLDEST_POSTGRES = 150_000;

/**
 * Checks that Postgres answers and is 15 or newer.
 * @throws StoreUnavailableError when it does not answer; ServiceStartError when it is too old.
 */
export async function checkPostgres(databaseUrl: string): Promise<void> {
  const client = new Client(clientConfig(databaseUrl, { applicationName: 'quipu-check' }));
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string; text: string }>(
      "SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS text",
    );
    if (Number(rows[0]?.number) < OLDEST_POSTGRES) {
      throw new ServiceStartError(
        `Postgres ${rows[0]?.text} at ${maskUrl(databaseUrl)} is too old: 15 is the oldest.`,
      );
    }
  } catch (error) {
    if (error instanceof ServiceStartError) throw error;
    throw new StoreUnavailableError(
      `Postgres at ${maskUrl(databaseUrl)} does not answer: ${errorMessage(error)}`,
      {
        cause: error,
        hint: 'Check DATABASE_URL, or unset it to use an embedded Postgres.',
      },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Checks that Redis answers and keeps what it is given. A Redis that may evict keys is refused; one that
 * could if it had a memory limit, or that does not write to disk, is warned about.
 * @throws StoreUnavailableError when it does not answer; ServiceStartError when it evicts.
 */
export async function checkRedis(redisUrl: string, log: Logger): Promise<void> {
  const redis = createRedis(redisUrl, 'plain', 'quipu-check');
  try {
    const info = await redis.info();
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
    const policy = field('maxmemory_policy');
    if (policy !== undefined && policy !== 'noeviction') {
      const problem = `Redis at ${maskUrl(redisUrl)} has maxmemory-policy ${policy}: it drops jobs and totals when full.`;
      const hint =
        'Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf).';
      if (Number(field('maxmemory')) > 0) throw new ServiceStartError(problem, { hint });
      log.warn({ hint }, problem);
    }
    if (field('aof_enabled') === '0') {
      log.warn(
        { hint: 'Set appendonly yes and appendfsync always; see docs/operations.md.' },
        'Redis does not write an append-only file: events still in the queue are lost when it goes down',
      );
    }
  } catch (error) {
    if (error instanceof ServiceStartError) throw error;
    throw new StoreUnavailableError(`Redis at ${maskUrl(redisUrl)} does not answer: ${errorMessage(error)}`, {
      cause: error,
      hint: 'Check REDIS_URL, or unset it to use an embedded Redis.',
    });
  } finally {
    redis.disconnect();
  }
}
