import { createLogger, createPool, createRedis, type IoSteps, systemClock } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { type LogEvent } from '@quipu/contracts';
import { createServer, type Server, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { LedgerBench } from '../../test/ledger-bench.js';
import { LEDGER_PROJECTION } from '../schema.js';
import { AmountBatch } from '../storage/amount-batch.js';
import { loadTotals } from './load-totals.js';
import {
  amountField,
  CHANGES_KEY,
  memberSetKey,
  memberSetName,
  membersKey,
  TOTALS_KEY,
} from './totals-keys.js';
import { TotalsReader } from './totals-reader.js';
import { TotalsWriter } from './totals-writer.js';

const T0 = Date.UTC(2024, 0, 1);
let count = 0;

function job(
  type: LogEvent['type'],
  name: string,
  data: Record<string, unknown> = {},
  tenant = 'acme',
): LogEvent {
  count += 1;
  return {
    tenant,
    source: 's',
    id: `e${count}`,
    type,
    subject: `job/${name}`,
    time: T0 + count,
    dataversion: 1,
    data,
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5);
}

describe('totals in Redis', () => {
  let bench: LedgerBench;
  let reader: TotalsReader;
  const logger = createLogger('test', 'silent');

  beforeAll(async () => {
    bench = await LedgerBench.open();
    reader = new TotalsReader(bench.redis.redis);
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.close());

  const epoch = async () => (await readCheckpoint(bench.database.pool, LEDGER_PROJECTION))!.epoch;
  const position = () => bench.redis.redis.hget(TOTALS_KEY, '@position');
  const standsAt = (p: bigint) => until(async () => (await position()) === String(p));

  /** Everything in Redis, without position, epoch and generation, and the same from Postgres. */
  const inRedis = async () => {
    const { redis } = bench.redis;
    const {
      '@generation': generation = '',
      '@position': _p,
      '@epoch': _e,
      ...amounts
    } = await redis.hgetall(TOTALS_KEY);
    const members: Record<string, string> = {};
    for (const name of await redis.smembers(membersKey(generation))) {
      const entries = await redis.zrange(memberSetKey(generation, name), '0', '-1', 'WITHSCORES');
      for (let i = 0; i < entries.length; i += 2) members[`${name}|${entries[i]}`] = entries[i + 1]!;
    }
    return { amounts, members };
  };
  const inPostgres = async () => {
    const { pool } = bench.database;
    const amounts = await pool.query<Record<string, string>>('SELECT * FROM ledger_1.amounts');
    const members = await pool.query<Record<string, string>>('SELECT * FROM ledger_1.members');
    return {
      amounts: Object.fromEntries(
        amounts.rows.map((row) => [
          amountField(row['family']!, row['tenant']!, row['labels']!),
          row['value'],
        ]),
      ),
      members: Object.fromEntries(
        members.rows.map((row) => [
          `${memberSetName(row['family']!, row['tenant']!, row['labels']!)}|${row['member']}`,
          row['score'],
        ]),
      ),
    };
  };
  const expectMirrored = async () => {
    const mirrored = await inRedis();
    expect(mirrored).toEqual(await inPostgres());
    return mirrored;
  };

  it('follow every batch, and hold neither zeros nor empty sets', async () => {
    const runner = bench.start();
    await runner.whenPosition(
      await bench.append([
        job('job.queued', 'a', { queue: 'q|1' }),
        job('job.queued', 'b', { queue: 'größe' }),
      ]),
    );
    const { members } = await expectMirrored();
    expect(Object.keys(members)).toHaveLength(2);
    await runner.whenPosition(
      await bench.append([
        job('job.started', 'a'),
        job('job.removed', 'b'),
        job('job.queued', 'c', {}, 'umbrella'),
      ]),
    );
    const after = await expectMirrored();
    expect(Object.keys(after.members)).toEqual([
      `waiting|umbrella|${encodeURIComponent('{"queue":""}')}|job/c`,
    ]);
    expect(Object.values(after.amounts)).not.toContain('0');
    expect(runner.state().totals).toEqual({ status: 'ok', lastError: null, reloads: 1 });
  });

  it('heal when they are emptied, whether something happens or not', async () => {
    const runner = bench.start();
    const first = await bench.append([job('job.queued', 'a'), job('job.queued', 'b')]);
    await runner.whenPosition(first);
    await bench.redis.redis.flushdb();
    await standsAt(first);
    await expectMirrored();
    await bench.redis.redis.flushdb();
    const second = await bench.append([job('job.started', 'a')]);
    await runner.whenPosition(second);
    await standsAt(second);
    await expectMirrored();
  });

  it('of another ledger are recognised by their epoch, by the writer and by readers', async () => {
    const runner = bench.start();
    const last = await bench.append([job('job.queued', 'a')]);
    await runner.whenPosition(last);
    await runner.stop();
    await bench.redis.redis.hset(TOTALS_KEY, {
      '@epoch': '00000000-0000-4000-8000-000000000000',
      '@position': '999999999',
      [amountField('jobs', 'acme', '{"queue":"","state":"waiting"}')]: '77',
    });
    expect(await reader.depth({ epoch: await epoch(), now: T0 })).toEqual({
      usable: false,
      reason: 'foreign',
    });
    await bench.start().whenPosition(last);
    await standsAt(last);
    await expectMirrored();
  });

  it('that missed a batch because the process died before it told them are loaded anew', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await runner.stop();
    const silent = bench.start({ redis: null });
    const last = await bench.append([job('job.queued', 'b'), job('job.started', 'a')]);
    await silent.whenPosition(last);
    await silent.stop();
    expect(await position()).not.toBe(String(last));
    await bench.start().whenPosition(last);
    await expectMirrored();
  });

  it('are marked torn by a script that fails half-way, and loaded anew', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a', { queue: 'q' })]));
    const field = amountField('jobs', 'acme', '{"queue":"q","state":"waiting"}');
    await bench.redis.redis.hset(TOTALS_KEY, field, 'not a number');
    const { '@epoch': is = '', '@position': at = '' } = await bench.redis.redis.hgetall(TOTALS_KEY);
    // The same batch by hand first, to see the mark that the runner heals.
    const amounts = new AmountBatch();
    amounts.add(
      { series: { family: 'jobs', tenant: 'acme', labels: '{"queue":"q","state":"waiting"}' }, value: 1 },
      1,
    );
    const pool = createPool(bench.database.url, { max: 1 });
    const failing: IoSteps = {
      step(label) {
        if (label === 'totals.load:before') throw new Error('no reload now');
      },
    };
    const writer = new TotalsWriter({ redis: bench.producer, pool, logger, io: failing });
    await writer.committed(
      { amounts: amounts.finish(), members: [] },
      { from: BigInt(at), to: BigInt(at) + 1n, epoch: is },
    );
    expect(writer.state()).toMatchObject({ status: 'down', lastError: 'no reload now' });
    await pool.end();
    expect(await position()).toBe('!');
    expect(await reader.depth({ epoch: is, now: T0 })).toEqual({ usable: false, reason: 'torn' });
    const last = await bench.append([job('job.queued', 'b', { queue: 'q' })]);
    await runner.whenPosition(last);
    await standsAt(last);
    await expectMirrored();
  });

  it('are exact beyond 2^53', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a', { queue: 'q' })]));
    await runner.stop();
    const large = 2n ** 53n + 1n;
    await bench.database.pool.query(`UPDATE ledger_1.amounts SET value = $1`, [String(large)]);
    await bench.redis.redis.flushdb();
    const second = bench.start();
    await second.whenPosition(await bench.append([job('job.queued', 'b', { queue: 'q' })]));
    await expectMirrored();
    const depth = await reader.depth({ epoch: await epoch(), now: T0 + 10_000_000 });
    expect(depth).toMatchObject({ usable: true, jobs: [{ value: large + 1n }] });
  });

  it('are loaded anew after a batch of more than 10,000 deltas', async () => {
    const runner = bench.start({ limits: { maxEvents: 20_000 } });
    await runner.whenPosition(await bench.append([job('job.queued', 'first')]));
    const many = Array.from({ length: 10_001 }, (_, i) =>
      job('job.queued', `many-${i}`, { queue: `q${i % 3}` }),
    );
    const last = await bench.append(many);
    await runner.whenPosition(last);
    await standsAt(last);
    const { members } = await expectMirrored();
    expect(Object.keys(members)).toHaveLength(10_002);
    expect(runner.state().totals).toMatchObject({ reloads: 2 });
  }, 60_000);

  it('never go backwards within an epoch, whoever loads them', async () => {
    const runner = bench.start();
    const last = await bench.append([job('job.queued', 'a')]);
    await runner.whenPosition(last);
    await runner.stop();
    await bench.redis.redis.hset(TOTALS_KEY, '@position', String(last + 5n));
    const options = {
      redis: bench.producer,
      pool: bench.database.pool,
      io: { step: () => undefined },
    };
    await loadTotals(options);
    expect(await position()).toBe(String(last + 5n));
    await bench.database.pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
    await loadTotals(options);
    expect(await position()).toBe(String(last));
    // Whatever was loaded and not used expires; the generation that was replaced is gone at once.
    const keys = (await bench.redis.redis.keys('{quipu}:*')).filter((key) => key !== CHANGES_KEY);
    const lasting = [];
    for (const key of keys) if ((await bench.redis.redis.ttl(key)) === -1) lasting.push(key);
    expect(lasting).toHaveLength(3);
    await expectMirrored();
  });

  it('that are whole are not replaced by a load that comes late', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await runner.stop();
    const before = await bench.redis.redis.hgetall(TOTALS_KEY);
    await loadTotals({ redis: bench.producer, pool: bench.database.pool, io: { step: () => undefined } });
    expect(await bench.redis.redis.hgetall(TOTALS_KEY)).toEqual(before);
    await expectMirrored();
  });

  it('that something emptied while they were loaded are not swapped in', async () => {
    await bench.start({ redis: null }).whenPosition(await bench.append([job('job.queued', 'a')]));
    const io: IoSteps = {
      async step(label) {
        if (label === 'totals.swap:before') await bench.redis.redis.flushdb();
      },
    };
    const options = { redis: bench.producer, pool: bench.database.pool, io };
    await expect(loadTotals(options)).rejects.toThrow('lost before they could be swapped in');
    expect(await position()).toBeNull();
  });

  describe('behind a Redis that is away or mute', () => {
    let mute: Server;
    const sockets: Socket[] = [];

    beforeAll(async () => {
      mute = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });

    it.each(['away', 'mute'])(
      'do not hold up the projection (%s)',
      async (how) => {
        const port = how === 'away' ? 1 : (mute.address() as AddressInfo).port;
        const redis = createRedis(`redis://127.0.0.1:${port}`, 'producer');
        const runner = bench.start({ redis });
        const last = await bench.append([job('job.queued', 'a')]);
        await runner.whenPosition(last);
        expect(await bench.dump()).toMatchObject({ members: [expect.stringContaining('job/a')] });
        await until(() => Promise.resolve(runner.state().totals?.status === 'down'));
        expect(runner.state().phase).toBe('leading');
        expect(await new TotalsReader(redis).depth({ epoch: await epoch(), now: T0 })).toEqual({
          usable: false,
          reason: 'unreachable',
        });
        await runner.stop();
        redis.disconnect();
      },
      30_000,
    );
  });

  it('that fall behind while they are loaded catch up from the batches kept meanwhile', async () => {
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let loading = false;
    const io: IoSteps = {
      async step(label) {
        if (label !== 'totals.swap:before' || loading) return;
        loading = true;
        await gate;
      },
    };
    const runner = bench.start({ io });
    await until(() => Promise.resolve(loading));
    const last = await bench.append([job('job.queued', 'a'), job('job.queued', 'b')]);
    await until(
      async () => (await readCheckpoint(bench.database.pool, LEDGER_PROJECTION))!.position === last,
    );
    expect(await position()).toBeNull();
    release();
    await standsAt(last);
    await expectMirrored();
    expect(runner.state().totals).toMatchObject({ status: 'ok', reloads: 1 });
  }, 30_000);

  it('answer depth for one tenant or all, split at the given instant', async () => {
    const later = new Date(T0 + 500_000_000).toISOString();
    const runner = bench.start();
    const last = await bench.append([
      job('job.queued', 'a', { queue: 'q' }),
      job('job.queued', 'b', { queue: 'q', delayUntil: later }),
      job('job.queued', 'c', { queue: 'q' }, 'acme2'),
      job('job.started', 'd', { queue: 'r' }),
    ]);
    await runner.whenPosition(last);
    const oldest = Number(
      (
        await bench.database.pool.query('SELECT min(score) AS s FROM ledger_1.members WHERE tenant = $1', [
          'acme',
        ])
      ).rows[0].s,
    );
    const query = { epoch: await epoch(), now: T0 + 100_000_000 };
    expect(await reader.depth({ ...query, tenant: 'acme' })).toEqual({
      usable: true,
      position: last,
      epoch: query.epoch,
      jobs: expect.arrayContaining([
        { family: 'jobs', tenant: 'acme', labels: { queue: 'q', state: 'waiting' }, value: 2n },
        { family: 'jobs', tenant: 'acme', labels: { queue: 'r', state: 'running' }, value: 1n },
      ]),
      waiting: [{ family: 'waiting', tenant: 'acme', labels: { queue: 'q' }, due: 1, later: 1, oldest }],
    });
    const all = await reader.depth(query);
    expect(all).toMatchObject({ usable: true });
    expect(all.usable && all.jobs.length).toBe(3);
    expect(all.usable && all.waiting.map(({ tenant }) => tenant).sort()).toEqual(['acme', 'acme2']);
    const early = await reader.depth({ ...query, now: T0 - 1, tenant: 'acme' });
    expect(early).toMatchObject({ waiting: [{ due: 0, later: 2, oldest: null }] });
    expect(await reader.read({ ...query, amounts: 'jobs_finished' })).toMatchObject({
      amounts: [],
      members: [],
    });
  });

  it('that somebody else has written into are not used', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await bench.redis.redis.hset(TOTALS_KEY, amountField('jobs', 'acme', '{'), '1');
    expect(await reader.depth({ epoch: await epoch(), now: T0 })).toEqual({ usable: false, reason: 'torn' });
  });

  it('say that there are none', async () => {
    expect(await reader.depth({ epoch: await epoch(), now: systemClock.now() })).toEqual({
      usable: false,
      reason: 'missing',
    });
  });
});
