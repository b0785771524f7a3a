import { bootstrapSuperadmin, TenantDirectory } from '@quipu/access';
import { TOTALS_KEY } from '@quipu/ledger';
import { createLogger, loadConfig, ManualClock } from '@quipu/platform';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { InjectOptions } from 'light-my-request';
import { createApi } from '../../apps/api/src/create-api.js';
import { testDatabase, testRedis, type TestDatabase, type TestRedis } from '../support/index.js';
import { Line } from './support/line.js';

const KEY = 'a-preset-superadmin-key';
const NOW = Date.now();

describe('health, the page and outages', () => {
  let database: TestDatabase;
  let store: TestRedis;
  let line: Line;
  let api: NestFastifyApplication;
  const clock = new ManualClock(NOW);

  beforeEach(async () => {
    [database, store] = await Promise.all([testDatabase(), testRedis()]);
    await bootstrapSuperadmin(database.pool, KEY, clock);
    const { rows } = await database.pool.query<{ epoch: string }>(`SELECT epoch FROM ledger_epoch`);
    await store.redis.hset(TOTALS_KEY, '@position', '0', '@epoch', rows[0]!.epoch, '@generation', 'g');
    clock.set(NOW);
    line = await Line.to(database.url);
    api = await createApi({
      config: loadConfig({}),
      databaseUrl: line.url,
      redisUrl: store.url,
      clock,
      logger: createLogger('e2e', 'silent'),
    });
    await api.init();
    await api.getHttpAdapter().getInstance().ready();
  });
  afterEach(async () => {
    await api.close();
    await line.cut();
    await Promise.all([database.drop(), store.release()]);
  });

  const get = (url: string, headers: Record<string, string> = {}, method: InjectOptions['method'] = 'GET') =>
    api.inject({ method: method ?? 'GET', url, headers });
  const coopr = { 'Coopr-UserID': 'admin', 'Coopr-TenantID': 'superadmin', 'Coopr-ApiKey': KEY };
  const basic = { authorization: `Basic ${Buffer.from(`superadmin/admin:${KEY}`).toString('base64')}` };

  /** Cuts every connection to Postgres and lets none in, as an outage does. */
  async function withoutPostgres(work: () => Promise<void>): Promise<void> {
    await line.cut();
    try {
      await work();
    } finally {
      await line.mend();
    }
  }

  async function health(): Promise<[number, string, string[]]> {
    const answer = await get('/health/ready');
    const { status, details } = answer.json();
    const reasons = Object.values(details as Record<string, { reason?: string }>).flatMap(({ reason }) =>
      reason === undefined ? [] : [reason],
    );
    return [answer.statusCode, status, reasons];
  }

  describe('/health/ready', () => {
    it('is ok when stores are there and everything is folded', async () => {
      expect(await health()).toEqual([200, 'ok', []]);
    });

    it('is 200 degraded, with the reason, when the totals in Redis are gone', async () => {
      await store.redis.flushdb();
      expect(await health()).toEqual([200, 'degraded', [expect.stringContaining('missing')]]);
    });

    it('is 200 degraded when Redis holds the totals of another ledger', async () => {
      await store.redis.hset(TOTALS_KEY, '@epoch', 'another');
      expect(await health()).toEqual([200, 'degraded', [expect.stringContaining('foreign')]]);
    });

    it('is 200 degraded when the projection is halted', async () => {
      await database.pool.query(`UPDATE projections SET halted_position = 7, halted_error = 'secret detail'`);
      const [status, word, reasons] = await health();
      expect([status, word]).toEqual([200, 'degraded']);
      expect(reasons).toEqual([expect.stringContaining('halted at position 7')]);
      expect(reasons.join()).not.toContain('secret detail');
    });

    it('is 200 degraded when the projection lags beyond the threshold, and ok before', async () => {
      await database.pool.query(`SELECT log_ensure_partitions(10)`);
      await database.pool.query(
        `INSERT INTO log (position, recorded_ms, time_ms, tenant, source, event_id, type, subject, dataversion, data)
         VALUES (1, $1, 0, 'a', 's', '1', 'job.queued', 'job/q/1', 1, '{}')`,
        [NOW],
      );
      clock.set(NOW + 59_000);
      expect(await health()).toEqual([200, 'ok', []]);
      clock.set(NOW + 61_000);
      expect(await health()).toEqual([200, 'degraded', ['The projection is 61 s behind the log.']]);
    });

    it('is 503 while Postgres is away, and 200 again when it is back', async () => {
      await withoutPostgres(async () => {
        expect((await health()).slice(0, 2)).toEqual([503, 'error']);
        expect((await get('/health/live')).statusCode).toBe(200);
        expect((await get('/health/startup')).statusCode).toBe(503);
      });
      expect(await health()).toEqual([200, 'ok', []]);
    });

    it('is 503 while migrations are missing', async () => {
      await database.pool.query(
        `DELETE FROM schema_migrations WHERE id = (SELECT max(id) FROM schema_migrations)`,
      );
      const [status, , reasons] = await health();
      expect(status).toBe(503);
      expect(reasons.join()).toContain('quipu migrate');
    });
  });

  describe('while Postgres is away', () => {
    it('the Coopr dialect answers 503 in plain text, the page a problem document, neither tells internals', async () => {
      await withoutPostgres(async () => {
        for (const path of ['/v2/metrics/queues', '/v2/metrics/nodes/usage']) {
          const answer = await get(path, coopr);
          expect([answer.statusCode, answer.headers['content-type']]).toEqual([
            503,
            'text/plain; charset=utf-8',
          ]);
          expect(answer.headers['retry-after']).toBeDefined();
          expect(answer.body).not.toMatch(/at .*\.ts|database .* not|terminat/i);
        }
        const page = await get('/', basic);
        expect(page.statusCode).toBe(503);
        expect(page.headers['content-type']).toContain('application/problem+json');
        expect(page.body).not.toMatch(/at .*\.ts|terminat/i);
        expect((await get('/status')).body).toBe('OK\n');
      });
      expect((await get('/v2/metrics/queues', coopr)).statusCode).toBe(200);
    });
  });

  it('answers depth from Postgres while Redis is of no use', async () => {
    await store.redis.flushdb();
    await database.pool.query(
      `INSERT INTO ledger_1.amounts VALUES ('jobs', 'superadmin', '{"queue":"q","state":"running"}', 2)`,
    );
    expect((await get('/v2/metrics/queues', coopr)).json()).toEqual({
      superadmin: { queued: 0, inProgress: 2, total: 2 },
    });
  });

  describe('the page', () => {
    it('is whole HTML without script, and escapes what tenants are called', async () => {
      await new TenantDirectory(database.pool).create({ id: 'evil', name: '<script>alert(1)</script>' });
      const page = await get('/', basic);
      expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(page.body).toMatch(/^<!doctype html>[\s\S]*<\/html>\s*$/);
      expect(page.body).not.toContain('<script');
      expect(page.body).toContain('&#60;script&#62;alert(1)');
      expect(page.headers['cache-control']).toBe('no-store');
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    });

    it('asks who is there, and takes neither a wrong key nor a malformed header', async () => {
      const wrong = Buffer.from('superadmin/admin:wrong').toString('base64');
      for (const headers of [{}, { authorization: 'Basic !' }, { authorization: `Basic ${wrong}` }]) {
        const page = await get('/', headers);
        expect(page.statusCode).toBe(401);
        expect(page.headers['www-authenticate']).toContain('Basic');
      }
    });
  });

  it('answers what it does not know with a problem document', async () => {
    const answer = await get('/nope');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ type: expect.any(String), title: 'Not found', status: 404 });
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('answers a path that it cannot read in the words of its dialect', async () => {
    const answer = await get('/api/jobs/%ff');
    expect(answer.statusCode).toBe(400);
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.any(String),
    });
    expect(answer.json()).toEqual({
      ...{ type: 'about:blank', title: 'Bad request', status: 400 },
      detail: 'The path is not percent-encoded UTF-8.',
    });
    const coopr = await get('/v2/metrics/%ff?a=b');
    expect(coopr).toMatchObject({ statusCode: 400, body: 'The path is not percent-encoded UTF-8.' });
    expect(coopr.headers).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
  });

  it('tells a wrong method or path of the Coopr dialect from the route alone, whatever was sent', async () => {
    for (const [type, payload] of [
      ['application/x-www-form-urlencoded', 'a=b'],
      ['application/json', '{'],
    ] as const) {
      const send = (url: string) =>
        api.inject({ method: 'POST', url, headers: { 'content-type': type }, payload });
      expect(await send('/v2/metrics/queues')).toMatchObject({ statusCode: 405, body: '/v2/metrics/queues' });
      expect((await send('/v2/nope')).statusCode).toBe(404);
    }
  });

  it('lets nothing be sniffed out of the plain answers of the Coopr router', async () => {
    for (const answer of [await get('/v2/<b>'), await get('/v2/metrics/queues', {}, 'POST')]) {
      expect(answer.headers['content-type']).toBeUndefined();
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
  });
});
