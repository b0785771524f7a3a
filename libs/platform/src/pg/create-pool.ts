import { Pool, type PoolConfig } from 'pg';
import { type HangPatience, watchForHangs } from './hang-watch.js';

/** Postgres settings of a session, by name; milliseconds where Postgres counts in them. */
export type SessionSettings = Readonly<Record<string, string | number>>;

/**
 * For sessions that append or hold leadership: a client that stalls in a transaction, or whose machine
 * is gone, must not keep everybody else waiting for its locks.
 */
export const WRITER_SESSION: SessionSettings = {
  idle_in_transaction_session_timeout: 5_000,
  lock_timeout: 10_000,
  tcp_keepalives_idle: 5,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
};

/** Options of {@link createPool}. */
export interface PoolOptions {
  /** Most connections at once; default 10. */
  readonly max?: number;
  /** Shown in pg_stat_activity; default `quipu`. */
  readonly applicationName?: string;
  /** Settings every session of the pool starts with. */
  readonly session?: SessionSettings;
  /** Longest a statement may stay without an answer, ms: a server that hangs is away. No limit if absent. */
  readonly answerMs?: number;
  /** Longest a caller waits for a connection, ms; default 10,000. */
  readonly connectMs?: number;
  /** Tell a server that hangs from one that takes long, and close the connections to it. */
  readonly hangs?: HangPatience;
}

/** The connection parameters the pool uses, for a client that must live outside of it (LISTEN, leadership). */
export function clientConfig(databaseUrl: string, options: PoolOptions = {}): PoolConfig {
  const settings = Object.entries(options.session ?? {}).map(([name, value]) => `-c ${name}=${value}`);
  return {
    connectionString: databaseUrl,
    application_name: options.applicationName ?? 'quipu',
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    connectionTimeoutMillis: options.connectMs ?? 10_000,
    ...(options.answerMs === undefined ? {} : { query_timeout: options.answerMs }),
    ...(settings.length > 0 ? { options: settings.join(' ') } : {}),
  };
}

/**
 * A pool of Postgres connections. `int8` and `numeric` come back as decimal strings: callers turn them
 * into BigInt or Number knowingly. Lost connections never crash the process; the next query finds out.
 */
export function createPool(databaseUrl: string, options: PoolOptions = {}): Pool {
  const config = clientConfig(databaseUrl, options);
  const pool = new Pool({
    ...config,
    max: options.max ?? 10,
    idleTimeoutMillis: 30_000,
  });
  const ignore = (): void => undefined;
  pool.on('error', ignore);
  // The pool listens only while a client is idle: one that loses its connection while checked out and
  // between two queries would otherwise raise an uncaught 'error' event.
  pool.on('connect', (client) => client.on('error', ignore));
  if (options.hangs !== undefined) watchForHangs(pool, config, options.hangs);
  return pool;
}
