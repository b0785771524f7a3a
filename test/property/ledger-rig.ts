import { setTimeout as pause } from 'node:timers/promises';
import type { LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { createLedgerRunner, type LedgerRunner } from '@quipu/ledger';
import { createLogger, createRedis, systemClock } from '@quipu/platform';
import type { Redis } from 'ioredis';
import { ledgerStates } from '../../apps/cli/src/support/ledger-states.js';
import { runVerify } from '../../apps/cli/src/verify/run-verify.js';
import type { VerifyReport } from '../../apps/cli/src/verify/report.js';
import { testDatabase, testRedis, type TestDatabase, type TestRedis } from '../support/index.js';

/** One append of an arrival, and what happens before it. */
export interface Append {
  readonly events: readonly LogEvent[];
  /** `wait`: the projection catches up first. `restart`: and another runner takes over. `flush`: Redis is emptied. */
  readonly before: 'nothing' | 'wait' | 'restart' | 'flush';
}

/** How events arrive. */
export interface Arrival {
  readonly appends: readonly Append[];
  /** Most events the projection takes at once. */
  readonly maxEvents: number;
}

/** Everything that is a function of the events: table by table, and Redis, as sorted lines. */
export type Dump = Readonly<Record<string, string[]>>;

const DUMPS = {
  amounts: 'SELECT family, tenant, labels, value FROM ledger_1.amounts',
  members: 'SELECT family, tenant, labels, member, score FROM ledger_1.members',
  changes: 'SELECT level, t, key_id, d, n FROM ledger_1.changes',
  sums: 'SELECT level, key_id, bucket_kind, bucket, d, w, n, max_t FROM ledger_1.level_sums',
} as const;

/** What the projection writes and the log holds; emptied between runs, because a database of its own is slow to make. */
const TABLES = [
  'log',
  'log_digests',
  'event_ids',
  'ledger_1.entities',
  'ledger_1.amounts',
  'ledger_1.members',
  'ledger_1.usage_keys',
  'ledger_1.changes',
  'ledger_1.level_buckets',
];

/** A log, the real ledger runner on it, and a Redis, for one spec file. */
export class LedgerRig {
  readonly log: EventLog;
  private readonly producer: Redis;

  private constructor(
    readonly database: TestDatabase,
    private readonly redis: TestRedis,
  ) {
    this.log = new EventLog(database.pool);
    this.producer = createRedis(redis.url, 'producer');
  }

  /** Opens a rig; `close` it in afterAll. */
  static async open(): Promise<LedgerRig> {
    const rig = new LedgerRig(await testDatabase(), await testRedis());
    if (rig.producer.status !== 'ready') {
      await new Promise<void>((resolve) => rig.producer.once('ready', () => resolve()));
    }
    return rig;
  }

  /** Empties everything, then lets the events arrive as told until the projection has them all. */
  async play(arrival: Arrival): Promise<void> {
    await this.reset();
    let runner = this.startRunner(arrival.maxEvents);
    let appended = 0n;
    try {
      for (const { events, before } of arrival.appends) {
        if (before !== 'nothing') await runner.whenPosition(appended);
        if (before === 'restart') {
          await runner.stop();
          runner = this.startRunner(arrival.maxEvents);
        }
        if (before === 'flush') await this.redis.redis.flushdb();
        const { lastPosition } = await this.log.append({ events });
        appended = lastPosition ?? appended;
      }
      await runner.whenPosition(appended);
      await this.redisAt(appended);
    } finally {
      await runner.stop();
    }
  }

  /** Compares everything with the naive fold; Redis must be there to compare. */
  verify(): Promise<VerifyReport> {
    const { pool } = this.database;
    return runVerify({ pool, redis: this.redis.redis, clock: systemClock, states: ledgerStates() });
  }

  /** What tables and Redis hold now. */
  async dump(): Promise<Dump> {
    const dump: Record<string, string[]> = {};
    for (const [name, query] of Object.entries(DUMPS)) {
      const { rows } = await this.database.pool.query<Record<string, unknown>>(query);
      dump[name] = rows.map((row) => JSON.stringify(row)).sort();
    }
    const totals = await this.redis.redis.hgetall('{quipu}:totals');
    dump['redis'] = Object.entries(totals)
      .filter(([field]) => !field.startsWith('@'))
      .map(([field, value]) => `${field} = ${value}`)
      .sort();
    return dump;
  }

  /** Gives database and Redis back. */
  async close(): Promise<void> {
    this.producer.disconnect();
    await this.database.drop();
    await this.redis.release();
  }

  private startRunner(maxEvents: number): LedgerRunner {
    const runner = createLedgerRunner({
      databaseUrl: this.database.url,
      redis: this.producer,
      log: this.log,
      clock: systemClock,
      logger: createLogger('property', 'fatal'),
      limits: { maxEvents },
      pollMs: 20,
    });
    runner.start();
    return runner;
  }

  /** A runner that has nothing to do heals a Redis that was emptied, a moment later. */
  private async redisAt(position: bigint): Promise<void> {
    while ((await this.redis.redis.hget('{quipu}:totals', '@position')) !== position.toString()) {
      await pause(5);
    }
  }

  private async reset(): Promise<void> {
    // As a replica a session fires no triggers: the log itself refuses to be emptied.
    await this.database.pool.query(`
      BEGIN;
      SET LOCAL session_replication_role = 'replica';
      ${TABLES.map((table) => `DELETE FROM ${table};`).join('\n')}
      UPDATE projections SET position = 0, code_hash = '';
      UPDATE ledger_epoch SET epoch = gen_random_uuid();
      COMMIT`);
    await this.redis.redis.flushdb();
  }
}
