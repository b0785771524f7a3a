import { Redis, type RedisOptions } from 'ioredis';

/** A connection of ioredis, of whichever copy: all that is needed of it is another one like it. */
export interface DuplicableRedis {
  duplicate(...args: never[]): unknown;
  readonly options: object;
}

/** Where the queue of events is: a Redis URL, options of ioredis, or a connection to make another one like. */
export type ReporterConnection =
  string | (Omit<RedisOptions, 'replyMapping'> & { readonly url?: string }) | DuplicableRedis;

/** What a reporter's own connection is like: its commands fail while Redis is away, so that events stay in the buffer. */
const OWN = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  lazyConnect: false,
  connectTimeout: 5_000,
  // Else a process that closes while Redis is away lingers for two seconds.
  disconnectTimeout: 100,
  connectionName: 'quipu-reporter',
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
} satisfies RedisOptions;

/** Whether something is a connection rather than options of one. */
export function isConnection(value: unknown): value is DuplicableRedis {
  return (
    typeof value === 'object' && value !== null && typeof (value as DuplicableRedis).duplicate === 'function'
  );
}

/** A connection of the reporter's own; it reconnects for ever. */
export function connect(connection: ReporterConnection): Redis {
  const redis = open(connection);
  // Without a listener a lost connection would end the program; the commands that fail tell of it.
  redis.on('error', () => undefined);
  return redis;
}

function open(connection: ReporterConnection): Redis {
  if (typeof connection === 'string') return new Redis(connection, OWN);
  if (!isConnection(connection)) {
    const { url, ...options } = connection;
    return url === undefined ? new Redis({ ...options, ...OWN }) : new Redis(url, { ...options, ...OWN });
  }
  const cluster = 'isCluster' in connection && connection.isCluster === true;
  const duplicate = connection.duplicate.bind(connection) as (...args: unknown[]) => Redis;
  return cluster
    ? duplicate([], { enableOfflineQueue: false, lazyConnect: false, redisOptions: OWN })
    : duplicate(OWN);
}
