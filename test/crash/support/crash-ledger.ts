import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIFECYCLE_QUEUE, QUEUE_PREFIX } from '@quipu/contracts';
import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { repository, testDatabase, testRedis } from '../../support/index.js';
import { startNode, type Child } from './child-process.js';
import { identity, type FleetEvent, type FleetJob } from './fleet.js';
import { waitFor } from './wait-for.js';

const PROJECTOR = join(repository, 'dist/apps/projector/src/main.js');
const SETTLED_WITHIN_MS = 60_000;
/** The jobs of a killed projector are taken up again after about this long: most runs wait for it. */
const JOB_LOCK_MS = 400;

/** Where everything stands that a run must bring together. */
export interface Standing {
  /** Events in the log. */
  readonly logged: number;
  readonly head: string;
  readonly checkpoint: string;
  /** Position of the Redis totals as stored: a number, `!`, or empty. */
  readonly totals: string;
  /** BullMQ jobs not yet done. */
  readonly openJobs: number;
}

/** A database and a Redis with a queue, both for one run only; the built projector works on them. */
export interface CrashLedger {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly pool: Pool;
  readonly redis: Redis;
  readonly queue: Queue;
  enqueue(jobs: readonly FleetJob[], options?: JobsOptions): Promise<void>;
  /** Starts a projector. `name` shows in pg_stat_activity, so that two of them can be told apart. */
  startProjector(env?: NodeJS.ProcessEnv, name?: string): Child;
  standing(): Promise<Standing>;
  /** Whether the log holds `events` events, everything is projected and mirrored, and no job is open. */
  isSettled(events: number): Promise<boolean>;
  /** Waits for {@link isSettled}. */
  whenSettled(events: number, projector?: Child): Promise<void>;
  /** The identities in the log, in order of position. */
  loggedIdentities(): Promise<string[]>;
  drop(): Promise<void>;
}

/** The two stores that a {@link CrashLedger} works on. */
export type Stores = Pick<CrashLedger, 'databaseUrl' | 'redisUrl' | 'pool' | 'redis'>;

/** Makes a migrated database and an empty Redis database on the services that all tests share. */
export async function openCrashLedger(): Promise<CrashLedger> {
  const database = await testDatabase();
  // A copy of the template is a ledger of its own, as a restored backup is.
  await database.pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
  const redis = await testRedis();
  const stores = {
    ...{ databaseUrl: database.url, pool: database.pool },
    ...{ redisUrl: redis.url, redis: redis.redis },
  };
  return crashLedgerOn(stores, async () => {
    await redis.release();
    await database.drop();
  });
}

/** The same on stores that are there already and migrated; `release` gives them back. */
export function crashLedgerOn(stores: Stores, release: () => Promise<void>): CrashLedger {
  if (!existsSync(PROJECTOR)) throw new Error(`${PROJECTOR} is missing: build first (npm run build).`);
  const { databaseUrl, redisUrl, pool, redis } = stores;
  const queue = new Queue(LIFECYCLE_QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  queue.on('error', () => undefined);

  async function standing(): Promise<Standing> {
    const { rows } = await pool.query<{ logged: number; head: string; checkpoint: string }>(`
      SELECT (SELECT count(*)::int FROM log) AS logged,
             (SELECT coalesce(max(position), 0)::text FROM log) AS head,
             (SELECT position::text FROM projections WHERE status = 'live') AS checkpoint`);
    const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
    const openJobs = Object.values(counts).reduce((sum, n) => sum + n, 0);
    const totals = (await redis.hget(`${QUEUE_PREFIX}:totals`, '@position')) ?? '';
    return { ...(rows[0] ?? { logged: 0, head: '0', checkpoint: '' }), totals, openJobs };
  }

  let last: Standing | undefined;
  async function isSettled(events: number): Promise<boolean> {
    last = await standing();
    const { logged, head, checkpoint, totals, openJobs } = last;
    return logged >= events && checkpoint === head && totals === head && openJobs === 0;
  }

  return {
    ...stores,
    queue,
    standing,
    isSettled,
    async enqueue(jobs, opts = {}) {
      await queue.addBulk(jobs.map((data) => ({ name: 'events', data, opts })));
    },
    startProjector(env = {}, name = 'projector') {
      const url = new URL(databaseUrl);
      url.searchParams.set('application_name', name);
      const given = {
        ...{ DATABASE_URL: url.href, REDIS_URL: redisUrl, QUIPU_JOB_LOCK_MS: String(JOB_LOCK_MS) },
        // It sweeps once a second, whatever happens: steps would not be the same in every run.
        QUIPU_WORKER_LEASE_SECONDS: '0',
      };
      return startNode(PROJECTOR, [], { ...given, ...env }, repository);
    },
    async whenSettled(events, projector) {
      await waitFor(`${events} events in the log, projected and mirrored`, () => isSettled(events), {
        withinMs: SETTLED_WITHIN_MS,
        explain: () => `${JSON.stringify(last)}\n${projector?.output().slice(-4_000) ?? ''}`,
      });
    },
    async loggedIdentities() {
      const { rows } = await pool.query<{ tenant: string; source: string; id: string }>(
        'SELECT tenant, source, event_id AS id FROM log ORDER BY position',
      );
      return rows.map(identity);
    },
    async drop() {
      await queue.close();
      await release();
    },
  };
}

/** Checks that the log holds each of `events` once, and nothing else. */
export async function expectEachOnce(ledger: CrashLedger, events: readonly FleetEvent[]): Promise<void> {
  const logged = await ledger.loggedIdentities();
  expect(logged.toSorted()).toEqual(events.map(identity).toSorted());
}

/** The lines `<k> <label>` that a projector wrote to its QUIPU_COUNT_STEPS file, as labels. */
export function readSteps(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(line.indexOf(' ') + 1));
}
