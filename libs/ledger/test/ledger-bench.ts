import { EventLog } from '@quipu/event-log';
import { createLedgerRunner, type LedgerRunner, type LedgerRunnerOptions } from '@quipu/ledger';
import { createLogger, createRedis, systemClock } from '@quipu/platform';
import { type LogEvent } from '@quipu/contracts';
import { type Redis } from 'ioredis';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../../../test/support/index.js';

/** Tables of the ledger and what identifies and orders their rows; everything in them is compared. */
const TABLES = {
  entities: 'tenant, kind, id',
  amounts: 'family, tenant, labels',
  members: 'family, tenant, labels, member',
  changes: 'level, t, key_id',
  level_buckets: 'level_group, key_id, bucket_kind, bucket',
} as const;

/** The contents of the ledger's tables, row by row. */
export type LedgerDump = Record<keyof typeof TABLES, string[]>;

/** A log, a Redis and ledger runners over them, for one spec file. */
export class LedgerBench {
  readonly log: EventLog;
  private readonly runners: LedgerRunner[] = [];

  private constructor(
    readonly database: TestDatabase,
    readonly redis: TestRedis,
    readonly producer: Redis,
  ) {
    this.log = new EventLog(database.pool);
  }

  /** Opens the bench; `close` it in afterAll. */
  static async open(): Promise<LedgerBench> {
    const [database, redis] = [await testDatabase(), await testRedis()];
    const producer = createRedis(redis.url, 'producer');
    if (producer.status !== 'ready') {
      await new Promise<void>((resolve) => producer.once('ready', () => resolve()));
    }
    return new LedgerBench(database, redis, producer);
  }

  /** Starts a runner, with Redis unless told otherwise. */
  start(options: Partial<LedgerRunnerOptions> = {}): LedgerRunner {
    const runner = createLedgerRunner({
      databaseUrl: this.database.url,
      redis: this.producer,
      log: this.log,
      clock: systemClock,
      logger: createLogger('test', 'silent'),
      pollMs: 20,
      ...options,
    });
    this.runners.push(runner);
    runner.start();
    return runner;
  }

  /** Appends, and resolves with the last position. */
  async append(events: readonly LogEvent[]): Promise<bigint> {
    const { lastPosition } = await this.log.append({ events });
    return lastPosition ?? (await this.log.head()).position;
  }

  /** Stops every runner and empties everything. */
  async reset(): Promise<void> {
    await Promise.all(this.runners.splice(0).map((runner) => runner.stop()));
    // As a replica a session fires no triggers: the log itself refuses to be emptied.
    await this.database.pool.query(`
      BEGIN;
      SET LOCAL session_replication_role = 'replica';
      ${['log', 'log_digests', 'event_ids'].map((table) => `DELETE FROM ${table};`).join('\n')}
      ${[...Object.keys(TABLES), 'usage_keys'].map((table) => `TRUNCATE ledger_1.${table};`).join('\n')}
      UPDATE projections SET position = 0, code_hash = '', halted_position = NULL;
      UPDATE ledger_epoch SET epoch = gen_random_uuid();
      COMMIT`);
    await this.redis.redis.flushdb();
  }

  /** Everything the ledger's tables hold now. */
  async dump(): Promise<LedgerDump> {
    const dump: Partial<LedgerDump> = {};
    for (const [table, order] of Object.entries(TABLES)) {
      const { rows } = await this.database.pool.query<{ row: string }>(
        `SELECT to_json(t)::text AS row FROM ledger_1.${table} t ORDER BY ${order}`,
      );
      dump[table as keyof LedgerDump] = rows.map(({ row }) => row);
    }
    return dump as LedgerDump;
  }

  async close(): Promise<void> {
    await this.reset();
    this.producer.disconnect();
    await this.redis.release();
    await this.database.drop();
  }
}
