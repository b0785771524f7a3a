import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { LogEvent } from '@quipu/contracts';
import { EventLog } from '@quipu/event-log';
import { systemClock } from '@quipu/platform';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import {
  testDatabase,
  testRedis,
  type TestDatabase,
  type TestRedis,
} from '../../../../test/support/index.js';
import { everyKindEvents } from '../../../../test/support/generators/worlds.js';
import { mirrorToRedis, storeNaiveLedger } from '../../../../test/property/naive-ledger.js';
import { runVerify } from './run-verify.js';
import type { Difference } from './report.js';

const AT = Date.UTC(2024, 1, 29, 23, 59, 0);

function event(id: string, type: LogEvent['type'], subject: string, minute: number, data: object): LogEvent {
  return {
    tenant: subject.startsWith('worker/') ? 'superadmin' : 'acme',
    source: 'test',
    id,
    type,
    subject,
    time: AT + minute * 60_000,
    dataversion: 1,
    data: { ...data },
  };
}

const EVENTS: LogEvent[] = [
  event('1', 'job.queued', 'job/a', 0, { queue: 'build', user: 'ann', nodes: 2 }),
  event('2', 'job.started', 'job/a', 1, { worker: 'w1' }),
  event('3', 'job.completed', 'job/a', 31, {}),
  event('4', 'job.queued', 'job/b', 2, { queue: 'build', user: 'größe' }),
  event('5', 'job.queued', 'job/c', 3, { queue: 'test' }),
  event('6', 'job.assigned', 'job/c', 4, { worker: 'w1' }),
  event('7', 'node.allocated', 'node/k/1', 5, { services: ['web', 'db'] }),
  event('8', 'worker.registered', 'worker/w1', 6, { pool: 'p' }),
  event('9', 'worker.connected', 'worker/w1', 7, {}),
  event('10', 'worker.registered', 'worker/w2', 8, {}),
];

/** The same connection, and a promise of its second script: by then the first one's answer was not enough. */
function countEvals(redis: Redis): { redis: Redis; twice: Promise<void> } {
  let called = 0;
  let reached = (): void => undefined;
  const twice = new Promise<void>((resolve) => (reached = resolve));
  const evaluate = (...args: Parameters<Redis['eval']>): ReturnType<Redis['eval']> => {
    called += 1;
    if (called === 2) reached();
    return redis.eval(...args);
  };
  return { redis: { eval: evaluate } as unknown as Redis, twice };
}

describe('verify', () => {
  let database: TestDatabase;
  let redis: TestRedis;
  let directory: string;

  beforeEach(async () => {
    database = await testDatabase();
    redis = await testRedis();
    directory = await mkdtemp(join(tmpdir(), 'quipu-verify-'));
    const log = new EventLog(database.pool);
    await log.append({ events: EVENTS.slice(0, 4) });
    await log.append({ events: EVENTS.slice(4) });
    await storeNaiveLedger(database.pool);
    await mirrorToRedis(database.pool, redis.redis);
  });
  afterEach(async () => {
    await database.drop();
    await redis.release();
    await rm(directory, { recursive: true });
  });

  const verify = (exportFile?: string) =>
    runVerify({
      pool: database.pool,
      redis: redis.redis,
      clock: systemClock,
      examples: 1_000,
      redisWaitMs: 300,
      ...(exportFile === undefined ? {} : { exportFile }),
    });
  const change = async (...statements: string[]): Promise<void> => {
    const client = await database.pool.connect();
    await client.query("SET session_replication_role = 'replica'");
    for (const statement of statements) await client.query(statement);
    client.release(true);
  };
  /** What one tampering leads to. */
  const differences = async (): Promise<Difference[]> => {
    const report = await verify();
    expect(report.ok).toBe(false);
    expect(report.differences).toBe(report.examples.length);
    return [...report.examples];
  };

  it('finds nothing wrong with a ledger that is right, and says what it compared', async () => {
    const report = await verify();
    expect(report.examples).toEqual([]);
    expect(report).toMatchObject({
      ok: true,
      events: 10,
      skipped: 0,
      entities: { jobs: 3, nodes: 1, workers: 2, others: 0 },
      redis: { compared: true },
      compared: {
        // Jobs: completed, waiting, assigned; finished; nodes; workers: busy, offline. Types of events: 7. Work
        // requests: 2. A bucket and a sum each of wait, run (two families) and execution. Node-seconds: base
        // and rate. Workers of two pools: 2, enabled 2; registered 4, connected 2, busy 1.
        amount: 7 + 7 + 2 + 8 + 2 + 11,
        member: 1,
        'redis-total': 37,
        'redis-member': 1,
        digest: 2,
        identity: 10,
      },
    });
    expect(report.position).toBe(report.head);
    // Both workers have one slot; a job ran for half an hour on the first, which is in touch.
    const { at, platform, ...conserved } = report.conservation;
    expect(conserved).toEqual({ compared: 2 * 3 * at.length, tenants: 1 });
    expect(at[0]).toBe(new Date(report.takenMs).toISOString());
    const since = (minute: number): number => report.takenMs - AT - minute * 60_000;
    const ran = 30 * 60_000;
    expect(platform).toEqual({
      busyMs: `${ran}`,
      idleMs: `${since(7) - ran}`,
      offlineMs: `${60_000 + since(8)}`,
      registeredMs: `${since(6) + since(8)}`,
    });
  });

  it('finds slots of workers that are lost or counted twice, by the stored sums alone', async () => {
    await change(
      `UPDATE ledger_1.amounts SET value = value + 1 WHERE family = 'worker_seconds' AND labels LIKE '%registered%'`,
    );
    const found = await differences();
    expect(found[0]).toMatchObject({ kind: 'amount' });
    const slots = found.filter(({ kind }) => kind === 'conservation');
    // Of the tenant and the platform, by three kinds of buckets, at each instant.
    expect(slots.length % 6).toBe(0);
    expect(slots.length).toBeGreaterThanOrEqual(12);
    expect(slots[0]?.key).toMatch(/^(the platform|tenant=superadmin) at=\S+Z by quarter-hours$/);
    expect(slots[0]?.expected).toMatch(/^\d+ ms registered$/);
    expect(slots[0]?.found).toMatch(/^\d+ ms busy \+ \d+ ms idle \+ \d+ ms offline = \d+ ms$/);
  });

  it('names the row, what it should be and what it is', async () => {
    await change(
      `UPDATE ledger_1.amounts SET value = value + 4 WHERE labels LIKE '%waiting%'`,
      `DELETE FROM ledger_1.members`,
    );
    const found = await differences();
    expect(found).toEqual([
      {
        kind: 'amount',
        key: 'family=jobs tenant=acme labels={"queue":"build","state":"waiting"}',
        expected: 'value=1',
        found: 'value=5',
        entities: [],
      },
      {
        kind: 'member',
        key: 'family=waiting tenant=acme labels={"queue":"build"} member=job/b',
        expected: `score=${AT + 120_000}`,
        found: null,
        entities: ['acme job/b'],
      },
    ]);
  });

  it('leaves no family out: a wrong row of each is found, in Postgres and in Redis', async () => {
    const worlds = fc.sample(everyKindEvents(9), { numRuns: 50, seed: 3 });
    const events = worlds.flatMap((world, n) =>
      world.map((told) => ({ ...told, tenant: `${told.tenant}-${n}` })),
    );
    await new EventLog(database.pool).append({ events });
    await storeNaiveLedger(database.pool);
    await mirrorToRedis(database.pool, redis.redis);
    expect(await verify()).toMatchObject({ examples: [], ok: true });

    const anyRow = (table: string) => `SELECT min(ctid) FROM ledger_1.${table} GROUP BY family`;
    await change(
      `UPDATE ledger_1.amounts SET value = value * 2 WHERE ctid IN (${anyRow('amounts')})`,
      `UPDATE ledger_1.members SET score = score + 1 WHERE ctid IN (${anyRow('members')})`,
    );
    await mirrorToRedis(database.pool, redis.redis);
    const found = await differences();
    const families = (kind: string): string[] =>
      found
        .filter((difference) => difference.kind === kind)
        .map(({ key }) => /^family=(\S+)/.exec(key)?.[1] ?? '')
        .sort();
    const stored = async (table: string): Promise<string[]> => {
      const { rows } = await database.pool.query<{ family: string }>(
        `SELECT DISTINCT family FROM ledger_1.${table}`,
      );
      return rows.map(({ family }) => family).sort();
    };
    const amounts = await stored('amounts');
    const members = await stored('members');
    expect(amounts.length).toBeGreaterThan(55);
    expect(members).toEqual(['tokens_last_seen', 'user_activity', 'user_identities_activity', 'waiting']);
    expect(families('amount')).toEqual(amounts);
    expect(families('redis-total')).toEqual(amounts);
    expect(families('member')).toEqual(members);
    expect(families('redis-member')).toEqual(members);
  }, 30_000);

  it('finds a row too many, a wrong tuple of a key, and leaves keys alone that nothing uses', async () => {
    await change(
      `INSERT INTO ledger_1.amounts VALUES ('jobs', 'nobody', '{}', 1)`,
      `UPDATE ledger_1.usage_keys SET user_id = 'bob' WHERE user_id = 'ann' AND grain = 1`,
      `INSERT INTO ledger_1.usage_keys VALUES (gen_random_uuid(), 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}')`,
    );
    const found = await differences();
    expect(found.map(({ kind }) => kind)).toEqual(['amount', 'usage-key']);
    expect(found[0]).toMatchObject({ expected: null, found: 'value=1' });
    expect(found[1]?.expected).toContain('user_id=ann');
    expect(found[1]?.found).toContain('user_id=bob');
  });

  it('finds a wrong change, and the entities that had a fact at its time', async () => {
    await change(`UPDATE ledger_1.changes SET d = d + 1, n = n + 1 WHERE level = 1 AND t = ${AT + 300_000}`);
    const [found, ...others] = await differences();
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      kind: 'change',
      expected: 'd=1 n=1',
      found: 'd=2 n=2',
      entities: ['acme node/k/1'],
    });
  });

  it.each(['d3 = d3 + 1', 'w3 = w3 + 1', 'n3 = n3 + 1', 'max_t3 = max_t3 - 1'])(
    'finds a level sum with %s',
    async (wrong) => {
      await change(`UPDATE ledger_1.level_buckets SET ${wrong} WHERE bucket_kind = 1 AND level_group = 1
        AND (bucket, key_id) = (SELECT bucket, key_id FROM ledger_1.level_sums
          WHERE bucket_kind = 1 AND level = 3 ORDER BY 1, 2 LIMIT 1)`);
      expect((await differences()).map(({ kind }) => kind)).toEqual(['level-sum']);
    },
  );

  it.each(['d', 'w'])('finds a %s where a level has no change', async (column) => {
    const wrong = [1, 2, 3].map((place) => `${column}${place} = ${column}${place} + (n${place} = 0)::int`);
    await change(`UPDATE ledger_1.level_buckets SET ${wrong.join(', ')} WHERE bucket_kind = 3`);
    const found = (await differences()).filter(({ kind }) => kind === 'level-sum');
    expect(new Set(found.map(({ expected }) => expected))).toEqual(new Set([null]));
  });

  it('leaves out what an operator skipped', async () => {
    const position = 'SELECT position FROM log WHERE event_id =';
    await change(
      `INSERT INTO projection_skips VALUES ('ledger', (${position} '4'), 'test', 'test', 0)`,
      `INSERT INTO projection_skips VALUES ('other', (${position} '5'), 'test', 'test', 0)`,
    );
    expect((await differences()).filter(({ kind }) => kind === 'member')).toMatchObject([{ expected: null }]);
    await storeNaiveLedger(database.pool);
    await mirrorToRedis(database.pool, redis.redis);
    expect(await verify()).toMatchObject({ ok: true, events: 9, skipped: 1 });
  });

  it('compares at the checkpoint, however far the log has gone on', async () => {
    await new EventLog(database.pool).append({ events: [event('11', 'job.started', 'job/b', 50, {})] });
    const report = await verify();
    expect(report).toMatchObject({ ok: true, events: 10, compared: { identity: 11, digest: 3 } });
    expect(BigInt(report.head)).toBeGreaterThan(BigInt(report.position));
  });

  it('finds an event that was changed, and one that is gone, in the digest chain', async () => {
    await change(`UPDATE log SET data = '{"queue":"build","nodes":3}' WHERE event_id = '1'`);
    const changed = (await differences()).filter(({ kind }) => kind === 'digest' || kind === 'identity');
    expect(changed).toMatchObject([{ kind: 'identity', entities: ['acme job/a'] }, { kind: 'digest' }]);
    await change(`DELETE FROM log WHERE event_id = '10'`);
    const gone = (await differences()).filter(({ kind }) => kind === 'digest' || kind === 'identity');
    expect(gone.map(({ kind, key }) => `${kind} ${key.replace(/\d+/, 'N')}`)).toEqual([
      'identity acme test N',
      'identity identities up to position N',
      'digest batch ending at N',
      'digest batch ending at N',
    ]);
  });

  it('finds events that no digest covers, and digests that do not follow from each other', async () => {
    await change(
      `DELETE FROM log_digests WHERE last_position = (SELECT max(last_position) FROM log_digests)`,
    );
    expect(await differences()).toMatchObject([{ kind: 'digest', found: null, expected: 'a digest' }]);
    await change(`DELETE FROM log_digests`);
    expect(await differences()).toMatchObject([{ kind: 'digest', found: null, expected: 'a digest' }]);
  });

  it('finds identities that are missing or belong to nothing', async () => {
    await change(
      `DELETE FROM event_ids WHERE position = (SELECT position FROM log WHERE event_id = '5')`,
      `INSERT INTO event_ids VALUES (gen_random_uuid(), '\\x00', 1), (gen_random_uuid(), '\\x00', 1)`,
    );
    expect((await differences()).map(({ kind, found }) => [kind, found])).toEqual([
      ['identity', null],
      ['identity', '11'],
    ]);
  });

  it('finds wrong totals and members in Redis', async () => {
    const waiting = 'jobs|acme|{"queue":"build","state":"waiting"}';
    await redis.redis.hset('{quipu}:totals', waiting, '9007199254740993');
    await redis.redis.hset('{quipu}:totals', 'jobs|acme|{}', '1');
    const generation = await redis.redis.hget('{quipu}:totals', '@generation');
    const set = `waiting|acme|${encodeURIComponent('{"queue":"build"}')}`;
    await redis.redis.zadd(`{quipu}:members:${generation}:${set}`, '7', 'job/ghost');
    expect(await differences()).toMatchObject([
      { kind: 'redis-total', expected: 'value=1', found: 'value=9007199254740993' },
      { kind: 'redis-total', expected: null, found: 'value=1' },
      { kind: 'redis-member', expected: null, found: 'score=7', entities: ['acme job/ghost'] },
    ]);
  });

  it('says that Redis was not compared when it holds no numbers of this ledger', async () => {
    await redis.redis.hset('{quipu}:totals', '@epoch', 'another');
    expect((await verify()).redis).toMatchObject({ compared: false });
    await redis.redis.flushdb();
    expect(await verify()).toMatchObject({ ok: true, redis: { compared: false } });
    const report = await runVerify({ pool: database.pool, clock: systemClock });
    expect(report).toMatchObject({ ok: true, redis: { compared: false, reason: 'no Redis was given' } });
  });

  it('finds a Redis that stays behind the checkpoint in the same epoch', async () => {
    await redis.redis.hset('{quipu}:totals', '@position', '1');
    expect(await differences()).toMatchObject([{ kind: 'redis-state' }]);
  });

  it('waits for a Redis that follows the checkpoint by a moment', async () => {
    const position = await redis.redis.hget('{quipu}:totals', '@position');
    await redis.redis.hset('{quipu}:totals', '@position', '!');
    const asked = countEvals(redis.redis);
    const verified = runVerify({ pool: database.pool, redis: asked.redis, clock: systemClock });
    await asked.twice;
    await redis.redis.hset('{quipu}:totals', '@position', position ?? '');
    expect(await verified).toMatchObject({ ok: true, redis: { compared: true } });
  });

  it('takes a new snapshot when Redis has already passed the one it has', async () => {
    const position = await redis.redis.hget('{quipu}:totals', '@position');
    await redis.redis.hset('{quipu}:totals', '@position', '999999');
    const asked = countEvals(redis.redis);
    const verified = runVerify({ pool: database.pool, redis: asked.redis, clock: systemClock });
    await asked.twice;
    await redis.redis.hset('{quipu}:totals', '@position', position ?? '');
    expect(await verified).toMatchObject({ ok: true, redis: { compared: true } });
  });

  it('writes a copy of the log that it can check by itself, and sees when the copy is changed', async () => {
    const file = join(directory, 'log.ndjson');
    const report = await verify(file);
    expect(report).toMatchObject({ ok: true, copy: { batches: 2, events: 10 } });
    const zipped = await verify(join(directory, 'log.ndjson.gz'));
    expect(zipped.copy).toEqual(report.copy);
    expect(gunzipSync(await readFile(join(directory, 'log.ndjson.gz')))).toEqual(await readFile(file));
    await expect(verify(join(directory, 'nowhere', 'log.ndjson'))).rejects.toMatchObject({ code: 'ENOENT' });
    const { checkExport } = await import('./check-export.js');
    const { DifferenceList } = await import('./difference-list.js');
    const text = await readFile(file, 'utf8');
    for (const [from, to, keys] of [
      ['größe', 'kleine', ['batch']],
      ['"first":', '"first":"99","was":', ['position', 'batch']],
      ['{"end"', '{"cut"', ['end']],
    ] as const) {
      await writeFile(file, text.replace(from, to));
      const found = new DifferenceList(100);
      await checkExport(file, found);
      expect(new Set(found.examples.map(({ key }) => key.split(' ')[0]))).toEqual(new Set(keys));
    }
  });

  it('leaves neither tables nor settings behind in the session', async () => {
    const client = await database.pool.connect();
    const before = await client.query('SHOW enable_seqscan');
    client.release();
    await verify();
    const { rows } = await database.pool.query(
      `SELECT current_setting('enable_seqscan') AS seqscan,
         (SELECT count(*)::int FROM pg_class WHERE relpersistence = 't') AS temporary`,
    );
    expect(rows).toEqual([{ seqscan: before.rows[0].enable_seqscan, temporary: 0 }]);
  });
});
