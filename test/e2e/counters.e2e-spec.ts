import { createPool, createRedis } from '@quipu/platform';
import { parseExposition, samplesByKey } from '../prometheus/parse-exposition.js';
import { strictParser } from '../prometheus/strict-parser.js';
import { type AnotherApi, anotherApi } from './support/another-api.js';
import { NOW } from './support/small-events.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const HOUR = 3_600_000;
const BUSY_SECONDS = 'quipu_worker_state_seconds_total{pool="p",state="busy"}';

describe('counters of several API processes', () => {
  let system: TestSystem;
  let all: string;
  const others: AnotherApi[] = [];
  // Each test has a tenant of its own, and begins at the same instant.
  let tests = 0;
  let tenant: string;
  let node: { tenant: string; subject: string };

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    all = await system.principal('superadmin', 'prometheus', 'scraper');
  }, 60_000);
  beforeEach(() => {
    tenant = `t${(tests += 1)}`;
    node = { tenant, subject: 'node/c/n' };
    system.clock.set(NOW);
  });
  afterEach(async () => {
    for (const api of others.splice(0)) await api.close();
  }, 60_000);
  afterAll(() => system.stop(), 60_000);

  const nodeSeconds = (of = tenant): string => `quipu_node_seconds_total{tenant="${of}"}`;
  const createdOf = (body: string, of = tenant): string | undefined =>
    new RegExp(`^quipu_node_seconds_created\\{tenant="${of}"\\} (\\S+)$`, 'm').exec(body)?.[1];

  /** Another API process of the same system. */
  async function another(): Promise<AnotherApi> {
    const api = await anotherApi(system);
    others.push(api);
    return api;
  }

  async function scrape(api: AnotherApi | null, bearer = all): Promise<string> {
    const request = {
      ...{ method: 'GET' as const, url: '/metrics?format=openmetrics' },
      headers: { authorization: `Bearer ${bearer}` },
    };
    const answer = api === null ? await system.request(request) : await api.inject(request);
    expect(answer.statusCode).toBe(200);
    return answer.body;
  }

  const shown = async (api: AnotherApi | null, name = nodeSeconds()): Promise<number> =>
    Number(samplesByKey(parseExposition(await scrape(api), 'openmetrics')).get(name));

  it('that accrue do not go back from one to another, nor after a restart, on what is told late', async () => {
    const worker = { tenant: 'superadmin', subject: 'worker/w' };
    const job = { tenant, subject: 'job/q/j', data: { queue: 'q', worker: 'w' } };
    await system.report([
      { type: 'node.allocated', ...node, time: NOW - 100_000 },
      { type: 'worker.registered', ...worker, time: NOW - 100_000, data: { pool: 'p' } },
      { type: 'worker.connected', ...worker, time: NOW - 100_000 },
      { type: 'job.started', ...job, time: NOW - 90_000 },
    ]);
    const second = await another();
    expect([await shown(null), await shown(second)]).toEqual([100, 100]);
    expect([await shown(null, BUSY_SECONDS), await shown(second, BUSY_SECONDS)]).toEqual([90, 90]);
    await system.report([
      { type: 'node.released', ...node, time: NOW - 70_000 },
      { type: 'job.completed', ...job, time: NOW - 80_000 },
    ]);
    const third = await another();
    for (const api of [third, second, null]) {
      expect(await shown(api)).toBe(100);
      expect(await shown(api, BUSY_SECONDS)).toBe(90);
    }
    const own = await system.principal(tenant, 'own', 'scraper');
    expect(await scrape(third, own)).toContain(`${nodeSeconds()} 100\n`);
    // The exact answer is that of usage; the counter goes on when the truth is beyond it.
    await system.report([{ type: 'node.allocated', ...node, subject: 'node/c/m', time: NOW - 75_000 }]);
    expect(await shown(third)).toBe(105);
  }, 60_000);

  it('are not answered from a body that is older than what another has shown', async () => {
    await system.report([{ type: 'node.allocated', ...node, time: NOW - 100_000 }]);
    const second = await another();
    expect([await shown(null), await shown(second)]).toEqual([100, 100]);
    system.clock.advance(2_000);
    // Nobody has shown more: the bodies of before are good for five seconds.
    expect([await shown(null), await shown(second)]).toEqual([100, 100]);
    system.clock.advance(3_000);
    expect(await shown(second)).toBe(105);
    system.clock.advance(-1_000);
    expect(await shown(null)).toBe(105);
  }, 60_000);

  it('begin anew in a log that was restored, and say since when', async () => {
    await system.report([{ type: 'node.allocated', ...node, time: NOW - 100_000 }]);
    expect(await shown(null)).toBe(100);
    await system.report([{ type: 'node.released', ...node, time: NOW - 60_000 }]);
    expect(await shown(null)).toBe(100);
    const restored = NOW + 5_000;
    const pool = createPool(system.databaseUrl);
    await pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
    system.clock.advance(10_000);
    // A new generation of the ledger is of the same log.
    expect(await shown(await another())).toBe(100);
    await pool.query('UPDATE log_identity SET id = gen_random_uuid(), since_ms = $1', [restored]);
    await pool.end();
    for (const api of [null, await another()]) {
      system.clock.advance(10_000);
      const body = await scrape(api);
      expect(body).toContain(`${nodeSeconds()} 40\n`);
      expect(createdOf(body)).toBe(String(restored / 1000));
      expect(/^quipu_events_created\{.*\} (\S+)$/m.exec(body)![1]).toBe(String(restored / 1000));
    }
  }, 60_000);

  it('do not stand still for ever on a value that was absurd, and say when they begin anew', async () => {
    // An import, looked at half-way: what began three years ago seems to go on.
    await system.report([{ type: 'node.allocated', ...node, time: NOW - 3 * 365 * 24 * HOUR }]);
    await system.report([{ type: 'node.allocated', tenant: 'beta', subject: 'node/c/n', time: NOW - HOUR }]);
    const absurd = await shown(null);
    await system.report([{ type: 'node.released', ...node, time: NOW - 3 * 365 * 24 * HOUR + 5_000 }]);
    expect(await shown(null)).toBe(absurd);
    system.clock.advance(HOUR);
    const second = await another();
    const bodies = [await scrape(second), await scrape(null), await scrape(await another())];
    const parser = strictParser();
    for (const body of bodies) {
      expect(body).toContain(`${nodeSeconds()} 5\n`);
      expect(createdOf(body)).toBe(String((NOW + HOUR) / 1000));
      // Others began when they did.
      expect(body).toContain(`${nodeSeconds('beta')} 7200\n`);
      expect(createdOf(body, 'beta')).not.toBe(String((NOW + HOUR) / 1000));
      if (!('missing' in parser)) expect(parser(body)).toBeNull();
    }
  }, 60_000);

  it('of what accrues are told without Redis, too', async () => {
    await system.report([{ type: 'node.allocated', ...node, time: NOW - 100_000 }]);
    expect(await shown(null)).toBe(100);
    const redis = createRedis(system.redisUrl, 'plain');
    await redis.del('{quipu}:marks');
    await redis.set('{quipu}:marks', 'of somebody else');
    await system.report([{ type: 'node.released', ...node, time: NOW - 60_000 }]);
    expect(await shown(null)).toBe(100);
    await redis.del('{quipu}:marks');
    system.clock.advance(10_000);
    // Who has shown it puts it back for the others.
    expect(await shown(null)).toBe(100);
    expect(await shown(await another())).toBe(100);
    redis.disconnect();
  }, 60_000);

  it('are not answered from a body of a ledger that was counted anew, wherever it stands', async () => {
    await system.report([{ type: 'node.allocated', ...node, time: NOW - 100_000 }]);
    const nodes = () => shown(null, `quipu_nodes{tenant="${tenant}"}`);
    expect(await nodes()).toBe(1);
    const pool = createPool(system.databaseUrl);
    await pool.query(`UPDATE ledger_1.amounts SET value = 2 WHERE family = 'nodes' AND tenant = $1`, [
      tenant,
    ]);
    await pool.query('UPDATE ledger_epoch SET epoch = gen_random_uuid()');
    await pool.end();
    expect(await nodes()).toBe(2);
  }, 60_000);
});
