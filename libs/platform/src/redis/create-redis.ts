import { Redis, type RedisOptions } from 'ioredis';

/**
 * What a connection is for.
 * `consumer`: BullMQ workers; commands wait as long as Redis is away.
 * `producer`: reporters and ingestion over HTTP; fails fast while Redis is away.
 * `plain`: reads and scripts; gives up after a few retries or 10 s.
 */
export type RedisRole = 'consumer' | 'producer' | 'plain';

const BY_ROLE: Readonly<
  Record<RedisRole, Pick<RedisOptions, 'maxRetriesPerRequest' | 'enableOfflineQueue' | 'commandTimeout'>>
> = {
  consumer: { maxRetriesPerRequest: null },
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 1 },
  plain: { maxRetriesPerRequest: 2, commandTimeout: 10_000 },
};

/**
 * A Redis connection for `role`, named `name` in CLIENT LIST. It reconnects by itself and never raises an
 * uncaught 'error' event; the commands that fail tell. A producer must wait for `ready` before its first command.
 * A connection that is cut while it says hello forgets those commands and leaves their timers: for up to
 * `commandTimeout` after `disconnect()` they keep a process alive that waits for its own end.
 */
export function createRedis(redisUrl: string, role: RedisRole, name = 'quipu'): Redis {
  const redis = new Redis(redisUrl, {
    connectionName: name,
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
    ...BY_ROLE[role],
  });
  redis.on('error', () => undefined);
  return redis;
}
