import { canonicalLabels, CHANGES_KEY, TOTALS_KEY } from '@quipu/ledger';
import { createRedis } from '@quipu/platform';
import type { LogEvent } from '@quipu/contracts';
import { LedgerBench } from '../../../ledger/test/ledger-bench.js';
import { type Totals, TotalsReplica } from './totals-replica.js';

const T0 = Date.UTC(2024, 0, 1);
let count = 0;

function job(type: LogEvent['type'], name: string, data: Record<string, unknown> = {}): LogEvent {
  count += 1;
  return {
    ...{ tenant: 'acme', source: 's', id: `r${count}`, type, subject: `job/${name}` },
    ...{ time: T0 + count, dataversion: 1, data },
  };
}

describe('TotalsReplica', () => {
  let bench: LedgerBench;
  let replica: TotalsReplica;
  let plain: TotalsReplica;

  beforeAll(async () => {
    bench = await LedgerBench.open();
  });
  beforeEach(() => {
    replica = new TotalsReplica(bench.database.pool, bench.redis.redis);
    plain = new TotalsReplica(bench.database.pool, null);
  });
  afterEach(async () => {
    replica.stop();
    await bench.reset();
  });
  afterAll(() => bench.close());

  /** Everything a reading sees. */
  const all = async (totals: Totals) => ({
    position: totals.position,
    amounts: ['jobs', 'jobs_finished'].flatMap((family) =>
      [...totals.family(family).series.values()]
        .map(({ tenant, labels, value }) => `${family} ${tenant} ${canonicalLabels(labels)} ${value}`)
        .sort(),
    ),
    members: (await totals.members('waiting', [T0, T0 + 5])).sort((a, b) => (a.labels < b.labels ? -1 : 1)),
  });
  /** The copy equals what Postgres holds; it came from Redis. */
  const expectEqual = async () => {
    const copied = await replica.use(async (totals) => ({ ...(await all(totals)), source: totals.source }));
    expect(copied).toEqual({ ...(await plain.use(all)), source: 'redis' });
    return copied;
  };

  it('takes in what changed, and loads everything only once', async () => {
    const runner = bench.start();
    await runner.whenPosition(
      await bench.append([job('job.queued', 'a', { queue: 'q|1' }), job('job.queued', 'b')]),
    );
    expect((await expectEqual()).amounts).toEqual([
      'jobs acme {"queue":"","state":"waiting"} 1',
      'jobs acme {"queue":"q|1","state":"waiting"} 1',
    ]);
    for (let i = 0; i < 70; i += 1) {
      await runner.whenPosition(await bench.append([job('job.queued', `more-${i}`, { queue: `q${i}` })]));
    }
    await runner.whenPosition(await bench.append([job('job.started', 'a'), job('job.removed', 'b')]));
    const { amounts } = await expectEqual();
    expect(amounts).toHaveLength(71);
    expect(replica.loads).toBe(1);
  });

  it('loads anew what it cannot follow: a gap in the stream, a batch too large for it, swapped totals', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await expectEqual();
    await runner.whenPosition(await bench.append([job('job.queued', 'b')]));
    await bench.redis.redis.del(CHANGES_KEY);
    await expectEqual();
    expect(replica.loads).toBe(2);
    const wide = Array.from({ length: 1200 }, (_, i) =>
      job('job.queued', `w${i}`, { queue: `${'w'.repeat(100)}${i}` }),
    );
    for (let i = 0; i < wide.length; i += 400) await bench.append(wide.slice(i, i + 400));
    await runner.whenPosition((await bench.log.head()).position);
    await expectEqual();
    await bench.redis.redis.flushdb();
    await runner.whenPosition(await bench.append([job('job.started', 'b')]));
    await runner.whenPosition(await bench.append([job('job.started', 'a')]));
    await expectEqual();
  });

  it('keeps values beyond 2^53 exact', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await expectEqual();
    const field = 'jobs|acme|{"queue":"","state":"waiting"}';
    await bench.redis.redis.hset(TOTALS_KEY, field, '9007199254740993');
    await runner.whenPosition(await bench.append([job('job.queued', 'b'), job('job.queued', 'c')]));
    const values = await replica.use((totals) =>
      Promise.resolve([...totals.family('jobs').series.values()].map(({ value }) => value)),
    );
    expect(values).toEqual(['9007199254740995']);
  });

  it('answers from Postgres while Redis is away, empty, torn or foreign', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    await runner.stop();
    const reason = () =>
      replica.use(({ source, fallback }) => Promise.resolve(`${source} ${fallback ?? ''}`));
    const { redis } = bench.redis;
    expect(await reason()).toBe('redis ');
    const kept = await redis.hgetall(TOTALS_KEY);
    await redis.hset(TOTALS_KEY, '@position', '!');
    expect(await reason()).toBe('postgres torn');
    await redis.hset(TOTALS_KEY, { ...kept, '@epoch': 'another' });
    expect(await reason()).toBe('postgres foreign');
    await redis.del(TOTALS_KEY);
    expect(await reason()).toBe('postgres missing');
    await redis.hset(TOTALS_KEY, { ...kept, '@position': '0' });
    expect(await reason()).toBe('postgres behind');
    await redis.hset(TOTALS_KEY, kept);
    expect(await reason()).toBe('redis ');
    const gone = createRedis('redis://127.0.0.1:1', 'producer');
    const away = new TotalsReplica(bench.database.pool, gone);
    const seen = await away.use(async (totals) => ({ ...(await all(totals)), fallback: totals.fallback }));
    expect(seen).toEqual({ ...(await plain.use(all)), fallback: 'unreachable' });
    away.stop();
    gone.disconnect();
  });

  it('asks again when the ledger gets a new epoch, or Redis goes, while members are counted', async () => {
    const runner = bench.start();
    await runner.whenPosition(await bench.append([job('job.queued', 'a')]));
    const { pool } = bench.database;
    const disturbed = async (of: TotalsReplica, disturb: () => Promise<unknown>) => {
      const attempts: (string | undefined)[] = [];
      const seen = await of.use(async (totals) => {
        const { amounts } = await all(totals);
        attempts.push(totals.fallback ?? totals.source);
        if (attempts.length === 1) await disturb();
        return { epoch: totals.epoch, amounts, members: (await all(totals)).members.length };
      });
      const { rows } = await pool.query<{ epoch: string }>('SELECT epoch FROM ledger_epoch');
      expect(seen).toEqual({
        epoch: rows[0]!.epoch,
        amounts: ['jobs acme {"queue":"","state":"waiting"} 1'],
        members: 1,
      });
      return attempts;
    };
    const { redis } = bench.redis;
    const generation = () => redis.hget(TOTALS_KEY, '@generation');
    const promoted = async () => {
      const before = await generation();
      await pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
      while ((await generation()) === before) await runner.whenPosition((await bench.log.head()).position);
    };
    expect((await disturbed(replica, promoted))[0]).toBe('redis');
    expect((await disturbed(replica, promoted)).length).toBeGreaterThan(1);
    const own = createRedis(bench.redis.url, 'plain');
    const cut = new TotalsReplica(pool, own);
    await own.ping();
    expect(await disturbed(cut, () => Promise.resolve(own.disconnect()))).toEqual(['redis', 'unreachable']);
    cut.stop();
  }, 30_000);

  it('counts members at the position of its amounts, and begins again where the totals have moved on', async () => {
    const runner = bench.start();
    const names = Array.from({ length: 30 }, (_, i) => `n${i}`);
    await runner.whenPosition(await bench.append(names.map((name) => job('job.queued', name))));
    let started = 0;
    /** How many wait, as amounts and as members say, if a job starts in between in the first attempts. */
    const read = async (disturbed: number, strictMs = Infinity) => {
      let attempts = 0;
      const reader = new TotalsReplica(bench.database.pool, bench.redis.redis, strictMs);
      const seen = await reader.use(async (totals) => {
        const waiting = [...totals.family('jobs').series.values()].find(
          (one) => one.labels['state'] === 'waiting',
        );
        attempts += 1;
        if (attempts <= disturbed)
          await runner.whenPosition(await bench.append([job('job.started', names[started++]!)]));
        const [set] = await totals.members('waiting', []);
        return [Number(waiting?.value), set?.total];
      });
      reader.stop();
      return { attempts, seen };
    };
    expect(await read(0)).toEqual({ attempts: 1, seen: [30, 30] });
    expect(await read(1)).toEqual({ attempts: 2, seen: [29, 29] });
    expect(await read(3)).toEqual({ attempts: 4, seen: [26, 26] });
    // Where they never stand still the reading ends all the same.
    expect(await read(Infinity)).toEqual({ attempts: 10, seen: [26 - 9, 26 - 10] });
    // And it does so in time, however long one attempt takes.
    expect(await read(Infinity, 0)).toEqual({ attempts: 2, seen: [16 - 1, 16 - 2] });
  });

  it('is loaded right while the totals change', async () => {
    const runner = bench.start();
    const many = Array.from({ length: 300 }, (_, i) => job('job.queued', `m${i}`, { queue: `m${i}` }));
    await runner.whenPosition(await bench.append(many));
    let going = true;
    const readings = (async () => {
      while (going) {
        const fresh = new TotalsReplica(bench.database.pool, bench.redis.redis);
        await fresh.use((totals) => {
          let sum = 0n;
          for (const { value } of totals.family('jobs').series.values()) sum += BigInt(value);
          expect(sum).toBe(300n);
          return Promise.resolve();
        });
        fresh.stop();
      }
    })();
    for (let i = 0; i < 300; i += 10) {
      await bench.append(many.slice(i, i + 10).map(({ subject }) => job('job.started', subject.slice(4))));
    }
    await runner.whenPosition((await bench.log.head()).position);
    going = false;
    await readings;
    await expectEqual();
  });
});
