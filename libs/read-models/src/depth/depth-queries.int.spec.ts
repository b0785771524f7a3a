import { scopeOf, type Role, type Scope } from '@quipu/access';
import {
  amountField,
  canonicalLabels,
  memberSetKey,
  memberSetName,
  membersKey,
  TOTALS_KEY,
} from '@quipu/ledger';
import { TenantForbiddenError } from '@quipu/platform';
import fc from 'fast-check';
import {
  testDatabase,
  testRedis,
  type TestDatabase,
  type TestRedis,
} from '../../../../test/support/index.js';
import { DepthQueries, type DepthRow } from './depth-queries.js';

const NOW = 1_700_000_000_000;
const STATES = ['waiting', 'blocked', 'assigned', 'running', 'completed'] as const;

/** One job as the ledger counts it; `score` only for waiting ones. */
interface Job {
  tenant: string;
  queue: string;
  state: (typeof STATES)[number];
  score: number;
}

function scope(tenantId: string, role: Role): Scope {
  return scopeOf({ tenantId, tenantName: tenantId, name: 'ann', role, sourcePrefix: null })!;
}
const platform = scope('superadmin', 'superadmin');

describe('DepthQueries', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let fromPostgres: DepthQueries;
  let fromBoth: DepthQueries;

  beforeAll(async () => {
    [database, redis] = await Promise.all([testDatabase(), testRedis()]);
    fromPostgres = new DepthQueries(database.pool, null);
    fromBoth = new DepthQueries(database.pool, redis.redis);
  });
  afterAll(() => Promise.all([database.drop(), redis.release()]));
  beforeEach(() => write([]));

  /** Writes the jobs to Postgres and to Redis, both at `position`. */
  async function write(jobs: readonly Job[], position = 7): Promise<void> {
    const { pool } = database;
    await pool.query(`DELETE FROM ledger_1.amounts`);
    await pool.query(`DELETE FROM ledger_1.members`);
    await pool.query(`UPDATE projections SET position = $1 WHERE name = 'ledger'`, [position]);
    await redis.redis.flushdb();
    const { rows } = await pool.query(`SELECT epoch FROM ledger_epoch`);
    await redis.redis.hset(TOTALS_KEY, '@position', position, '@epoch', rows[0].epoch, '@generation', 'g');
    for (const [i, { tenant, queue, state, score }] of jobs.entries()) {
      const labels = canonicalLabels({ queue, state });
      await pool.query(
        `INSERT INTO ledger_1.amounts AS a VALUES ('jobs', $1, $2, 1)
         ON CONFLICT (family, tenant, labels) DO UPDATE SET value = a.value + 1`,
        [tenant, labels],
      );
      await redis.redis.hincrby(TOTALS_KEY, amountField('jobs', tenant, labels), 1);
      if (state !== 'waiting') continue;
      await pool.query(`INSERT INTO ledger_1.members VALUES ('waiting', $1, $2, $3, $4)`, [
        tenant,
        canonicalLabels({ queue }),
        `job/${i}`,
        score,
      ]);
      const name = memberSetName('waiting', tenant, canonicalLabels({ queue }));
      await redis.redis.sadd(membersKey('g'), name);
      await redis.redis.zadd(memberSetKey('g', name), score, `job/${i}`);
    }
  }

  it('tells queued, delayed, blocked and in progress apart', async () => {
    const job = (state: Job['state'], score = 0): Job => ({ tenant: 'a', queue: 'q', state, score });
    await write([
      job('waiting', NOW - 5_000),
      job('waiting', NOW),
      job('waiting', NOW + 1),
      job('blocked'),
      job('assigned'),
      job('running'),
      job('running'),
      job('completed'),
    ]);
    const expected = {
      tenant: 'a',
      queue: 'q',
      queued: 2,
      delayed: 1,
      blocked: 1,
      inProgress: 3,
      oldestWaitingMs: 5_000,
    };
    expect(await fromBoth.depth(platform, NOW)).toEqual({
      position: 7n,
      asOf: NOW,
      source: 'redis',
      rows: [expected],
    });
    expect((await fromPostgres.depth(platform, NOW)).rows).toEqual([expected]);
  });

  it('turns delayed into queued as time passes, without a write', async () => {
    await write([{ tenant: 'a', queue: 'q', state: 'waiting', score: NOW + 10 }]);
    for (const depths of [fromBoth, fromPostgres]) {
      const at = async (now: number) => (await depths.depth(platform, now)).rows[0];
      expect(await at(NOW + 9)).toMatchObject({ queued: 0, delayed: 1, oldestWaitingMs: null });
      expect(await at(NOW + 10)).toMatchObject({ queued: 1, delayed: 0, oldestWaitingMs: 0 });
    }
  });

  it('gives the same rows from Redis and from Postgres, whatever the jobs and the instant', async () => {
    const job = fc.record({
      tenant: fc.constantFrom('a', 'b|c', 'ü:1'),
      queue: fc.constantFrom('', 'q', 'q|"x"', 'Ωmega'),
      state: fc.constantFrom(...STATES),
      score: fc.integer({ min: NOW - 3, max: NOW + 3 }),
    });
    const now = fc.integer({ min: NOW - 4, max: NOW + 4 });
    const viewer = fc.constantFrom(platform, scope('b|c', 'admin'));
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 12 }), now, viewer, async (jobs, at, who) => {
        await write(jobs);
        const one = await fromBoth.depth(who, at);
        const other = await fromPostgres.depth(who, at);
        expect([one.source, other.source]).toEqual(['redis', 'postgres']);
        expect(one.rows).toEqual(other.rows);
        const seen = jobs.filter(({ tenant }) => who.tenant === null || who.tenant === tenant);
        const count = (pick: (row: DepthRow) => number) => one.rows.reduce((sum, row) => sum + pick(row), 0);
        expect(count((row) => row.queued)).toBe(
          seen.filter((j) => j.state === 'waiting' && j.score <= at).length,
        );
        expect(count((row) => row.delayed)).toBe(
          seen.filter((j) => j.state === 'waiting' && j.score > at).length,
        );
        expect(count((row) => row.blocked)).toBe(seen.filter((j) => j.state === 'blocked').length);
        expect(count((row) => row.inProgress)).toBe(
          seen.filter((j) => j.state === 'assigned' || j.state === 'running').length,
        );
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('stays inside the scope, and has no answer for a single user', async () => {
    await write(['a', 'b'].map((tenant) => ({ tenant, queue: 'q', state: 'running' as const, score: 0 })));
    for (const depths of [fromBoth, fromPostgres]) {
      const tenants = async (who: Scope) => (await depths.depth(who, NOW)).rows.map((row) => row.tenant);
      expect(await tenants(platform)).toEqual(['a', 'b']);
      expect(await tenants(scope('b', 'admin'))).toEqual(['b']);
      await expect(depths.depth(scope('b', 'admin'), NOW, { tenant: 'a' })).rejects.toThrow(
        TenantForbiddenError,
      );
      await expect(depths.depth(scope('b', 'user'), NOW)).rejects.toThrow(TenantForbiddenError);
    }
  });

  describe('answers from Postgres, with the reason, when the totals in Redis', () => {
    const jobs: Job[] = [{ tenant: 'a', queue: 'q', state: 'running', score: 0 }];

    it.each([
      ['are gone', 'missing', () => redis.redis.flushdb()],
      ['are torn', 'torn', () => redis.redis.hset(TOTALS_KEY, '@position', '!')],
      ['belong to another ledger', 'foreign', () => redis.redis.hset(TOTALS_KEY, '@epoch', 'another')],
      ['are behind the checkpoint', 'behind', () => redis.redis.hset(TOTALS_KEY, '@position', '6')],
    ] as const)('%s', async (_, reason, spoil) => {
      await write(jobs);
      await spoil();
      const answer = await fromBoth.depth(platform, NOW);
      expect(answer).toMatchObject({ source: 'postgres', fallback: reason, position: 7n });
      expect(answer.rows).toMatchObject([{ inProgress: 1 }]);
    });
  });
});
