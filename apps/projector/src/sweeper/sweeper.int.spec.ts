import { jest } from '@jest/globals';
import { CheckpointConflictError, type IoSteps, noIoSteps } from '@quipu/platform';
import { feed, readSweeperStatus } from '@quipu/sweeper';
import { setTimeout as delay } from 'node:timers/promises';
import { type CuttableProxy, cuttableProxy } from '../../test/cuttable-proxy.js';
import { until } from '../../test/sample-job.js';
import { expectExact } from '../../../../test/crash/support/verdict.js';
import { SweeperRig } from '../../../../test/int/sweeper-rig.js';

jest.setTimeout(120_000);

/** Short, and yet many times what a beat takes to reach the log on a busy machine. */
const LEASE_MS = 2_000;

describe('the sweeper', () => {
  let rig: SweeperRig;
  let proxy: CuttableProxy | null = null;

  beforeAll(async () => {
    rig = await SweeperRig.open();
  });
  afterEach(async () => {
    await rig.rest();
    await proxy?.close();
    proxy = null;
  });
  afterAll(() => rig.close());

  it('declares a silent worker lost at its last heartbeat, its runs with it, and takes it back when it is heard', async () => {
    await rig.join('silent', 'a');
    await rig.begin('acme', 'q/1', 'silent');
    await rig.send(rig.about('silent', 'heartbeat', { life: 'a' }));
    await rig.begin('globex', 'q/2', 'silent', 3);
    await rig.begin('acme', 'q/3', 'other');
    await rig.join('alive', 'b');
    rig.beat('alive', 'b');
    rig.sweeper(LEASE_MS);
    await until(async () => (await rig.lost()).length > 0);
    await rig.settled();

    const heard = (await rig.times('worker/silent', 'worker.heartbeat')).at(-1)!;
    const [begun] = await rig.times('job/q/2', 'job.started');
    const swept = await rig.swept();
    expect(swept.map(({ type, tenant, subject, time }) => [type, tenant, subject, time]).sort()).toEqual([
      ['job.aborted', 'acme', 'job/q/1', heard],
      ['job.aborted', 'globex', 'job/q/2', Math.max(heard, begun!)],
      ['worker.lost', 'superadmin', 'worker/silent', heard],
    ]);
    const [top] = (await rig.job('acme', 'q/1')).attempts;
    expect(top).toMatchObject({ estimated: true, outcome: null, running: [{ end: heard }] });
    expect((await rig.job('globex', 'q/2')).status).toBe('aborted');
    expect((await rig.job('acme', 'q/3')).status).toBe('running');

    await rig.send(rig.about('silent', 'heartbeat', { life: 'a' }));
    const back = async () => (await rig.times('worker/silent', 'worker.heartbeat')).at(-1)!;
    await until(async () => (await rig.swept()).filter(({ type }) => type === 'job.progressed').length === 2);
    await rig.settled();
    const progressed = (await rig.swept()).filter(({ type }) => type === 'job.progressed');
    expect(progressed.map(({ time, data }) => [time, data['attempt']]).sort()).toEqual([
      [await back(), 1],
      [await back(), 3],
    ]);
    expect((await rig.job('acme', 'q/1')).attempts[0]).toMatchObject({ running: [{ end: null }] });

    // It falls silent once more: lost again, under another identity.
    await until(async () => (await rig.lost()).length === 2);
    await rig.settled();
    expect((await rig.job('acme', 'q/1')).attempts[0]).toMatchObject({ running: [{ end: await back() }] });
    await rig.send({ type: 'job.completed', tenant: 'acme', subject: 'job/q/1', data: { attempt: 1 } });
    await rig.settled();
    expect((await rig.job('acme', 'q/1')).status).toBe('completed');
    expect(await rig.lost()).not.toContain('worker/alive');
    const status = () => readSweeperStatus(rig.services.database.pool);
    await until(async () => (await status()).lost === 2n);
    expect(await status()).toMatchObject({ state: 'judging', reason: null, lost: 2n, ended: 4n, woken: 2n });
  });

  it('ends a run that a late fact opened after its worker was lost', async () => {
    await rig.join('slow', 's');
    rig.sweeper(LEASE_MS);
    await until(async () => (await rig.lost()).includes('worker/slow'));
    const heard = (await rig.times('worker/slow', 'worker.heartbeat')).at(-1)!;
    await rig.send({
      ...{ type: 'job.started', tenant: 'acme', subject: 'job/s/1', time: new Date(heard - 1).toISOString() },
      data: { queue: 's', worker: 'slow' },
    });
    await rig.settled();
    expect((await rig.job('acme', 's/1')).status).toBe('running');
    await until(async () => (await rig.job('acme', 's/1')).status === 'aborted');
    expect((await rig.job('acme', 's/1')).attempts[0]).toMatchObject({
      running: [{ end: heard }],
      estimated: true,
    });
    expect((await rig.lost()).filter((subject) => subject === 'worker/slow')).toHaveLength(1);
  });

  it('leaves alone who never sent a heartbeat, who has left, and whose place another life has taken', async () => {
    await rig.send(rig.about('mute', 'connected', { life: 'm' }));
    await rig.join('gone', 'g');
    await rig.send(rig.about('gone', 'disconnected', { life: 'g' }));
    await rig.join('again', 'old');
    await rig.begin('acme', 'r/1', 'again');
    await rig.settled();
    await rig.join('again', 'new');
    await rig.begin('acme', 'r/2', 'again');
    rig.beat('again', 'new');
    await rig.join('witness', 'w');
    rig.sweeper(LEASE_MS);
    await until(async () => (await rig.lost()).includes('worker/witness'));
    await rig.settled();
    const lost = (await rig.swept()).filter(({ type }) => type === 'worker.lost');
    const about = lost.filter(({ subject }) => /mute|gone|again/.test(subject));
    expect(about.map(({ subject, data }) => [subject, data['life']])).toEqual([['worker/again', 'old']]);
    expect((await rig.job('acme', 'r/1')).status).toBe('aborted');
    expect((await rig.job('acme', 'r/2')).status).toBe('running');
  });

  it('counts no silence while nobody could be heard: Redis away for longer than the lease', async () => {
    proxy = await cuttableProxy(rig.services.services.url);
    await rig.join('patient', 'p');
    const silence = rig.beat('patient', 'p');
    await rig.join('first', 'f');
    rig.sweeper(LEASE_MS, { redisUrl: proxy.url });
    await until(async () => (await rig.lost()).includes('worker/first'));
    // What the worker says goes nowhere from here on.
    silence();
    proxy.cut();
    await rig.settled();
    const last = (await rig.times('worker/patient', 'worker.heartbeat')).at(-1)!;
    await until(() => Date.now() - last > LEASE_MS + 200);
    proxy.mend();
    rig.beat('patient', 'p');
    await rig.join('dead', 'd');
    await until(async () => (await rig.lost()).includes('worker/dead'));
    expect(await rig.lost()).not.toContain('worker/patient');
  });

  it('declares nobody lost whose heartbeats waited while no projector ran', async () => {
    await rig.join('queued', 'q');
    await rig.join('ended', 'e');
    await rig.settled();
    await rig.stopIngest();
    const started = Date.now();
    rig.beat('queued', 'q');
    rig.sweeper(LEASE_MS);
    await until(() => Date.now() - started > 2 * LEASE_MS);
    expect((await rig.lost()).filter((subject) => /queued|ended/.test(subject))).toEqual([]);
    rig.startIngest();
    await until(async () => (await rig.lost()).includes('worker/ended'));
    await until(
      async () => Date.now() - (await rig.times('worker/queued', 'worker.heartbeat')).at(-1)! < LEASE_MS,
    );
    expect(await rig.lost()).not.toContain('worker/queued');
  });

  it('says everything once, however many sweepers there are and however often one is cut off', async () => {
    const { pool } = rig.services.database;
    const leaders = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                      WHERE application_name = 'quipu-projection-sweeper' AND datname = current_database()`;
    for (let n = 0; n < 3; n += 1) rig.sweeper(LEASE_MS);
    for (let n = 0; n < 5; n += 1) {
      await rig.join(`many-${n}`, 'm');
      await rig.begin('acme', `many/${n}`, `many-${n}`);
    }
    await pool.query(leaders);
    await until(async () => (await rig.lost()).some((subject) => subject.startsWith('worker/many-')));
    await pool.query(leaders);
    await until(async () => (await rig.lost()).filter((s) => s.startsWith('worker/many-')).length >= 5);
    await rig.settled();
    const about = (await rig.swept()).map(({ type, subject }) => `${type} ${subject}`);
    const ours = about.filter((text) => /many/.test(text)).sort();
    expect(ours).toEqual([...new Set(ours)]);
    expect(ours).toHaveLength(10);
    expect((await pool.query('SELECT FROM dead_letters')).rowCount).toBe(0);
  });

  it('leaves every number exact, by an implementation of their own', async () => {
    await rig.settled();
    const { database, services } = rig.services;
    await expectExact({ pool: database.pool, redis: services.redis });
  });

  it('finds the same again in the log when its tables are lost', async () => {
    const { pool } = rig.services.database;
    const read = async () => ({
      lives: (await pool.query('SELECT * FROM sweeper_lives ORDER BY tenant, worker, life'))
        .rows as unknown[],
      endings: (await pool.query('SELECT * FROM sweeper_endings ORDER BY job_tenant, job, attempt, life'))
        .rows as unknown[],
      state: (await pool.query('SELECT position, lost, ended, woken FROM sweeper_state')).rows as unknown[],
    });
    rig.sweeper(60_000);
    const caughtUp = async () => {
      const { rows } = await pool.query<{ there: boolean }>(
        'SELECT position = (SELECT max(position) FROM log) AS there FROM sweeper_state',
      );
      return rows[0]!.there;
    };
    await until(caughtUp);
    const { endings, ...before } = await read();
    // Those of jobs that have ended are forgotten by and by.
    expect(endings.length).toBeGreaterThan(3);
    expect(before.lives.length).toBeGreaterThan(8);
    await pool.query('TRUNCATE sweeper_lives, sweeper_endings');
    await pool.query('UPDATE sweeper_state SET position = 0, lost = 0, ended = 0, woken = 0');
    await until(caughtUp);
    expect(await read()).toEqual({ ...before, endings: expect.arrayContaining(endings) as unknown });
  });

  it('finds who is silent behind any number of those whose loss the log does not take', async () => {
    const { pool } = rig.services.database;
    await rig.join('behind', 'b');
    await rig.begin('acme', 'behind/1', 'behind');
    // No tenant is called so: what is said of it is refused, and it stays due.
    await pool.query(`
      INSERT INTO sweeper_lives (tenant, worker, life, since_ms, sign_ms, beats, heard_ms, retired, in_touch)
      SELECT 'NO TENANT', 'stuck-' || n, '', 0, 0, true, 1, false, true FROM generate_series(1, 200) n`);
    rig.sweeper(LEASE_MS);
    await until(async () => (await rig.lost()).includes('worker/behind'));
    await pool.query(`DELETE FROM sweeper_lives WHERE tenant = 'NO TENANT'`);
  });

  it('judges fewer at once where it takes too long to judge many', async () => {
    await rig.join('one-of-many', 'o');
    const slow: IoSteps = {
      step: async (label) => {
        if (label === 'sweeper.judge:after' && sweeper.atOnce > 100) await delay(LEASE_MS);
      },
    };
    const sweeper = rig.sweeper(LEASE_MS, { staleMs: LEASE_MS, io: slow });
    await until(async () => (await rig.lost()).includes('worker/one-of-many'));
  });

  it('steps down when another one has read on: its place in the log is moved by compare-and-set', async () => {
    const { pool } = rig.services.database;
    const { rows } = await pool.query<{ position: string }>('SELECT position FROM sweeper_state');
    const from = BigInt(rows[0]!.position);
    await rig.join('late', 'l');
    await rig.settled();
    const { position: head } = await rig.log.head();
    const client = await pool.connect();
    try {
      expect(await feed(client, rig.log, noIoSteps, from, head)).toBe(head);
      await expect(feed(client, rig.log, noIoSteps, from, head)).rejects.toThrow(CheckpointConflictError);
      const known = await client.query(`SELECT FROM sweeper_lives WHERE worker = 'late'`);
      expect(known.rowCount).toBe(1);
    } finally {
      client.release();
    }
  });
});
