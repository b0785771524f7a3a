import { KeyStore, Principals, type Role, TenantDirectory } from '@quipu/access';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLogger, loadConfig, ManualClock } from '@quipu/platform';
import { GenerationStore, type MetricPoint } from '@quipu/read-models';
import { createApi } from '../../apps/api/src/create-api.js';
import { LateRefusals } from '../../apps/api/src/proxmox/late-refusals.js';
import { type CuttableProxy, cuttableProxy } from '../../apps/projector/test/cuttable-proxy.js';
import { until } from '../../apps/projector/test/sample-job.js';
import { testDatabase, type TestDatabase, testRedis, type TestRedis } from '../support/index.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const SECOND = NOW / 1000;
const JSON_PATH = '/api2/json/status/metrics';
const EXTJS_PATH = '/api2/extjs/status/metrics';
const TYPE = 'application/json;charset=UTF-8';
/** How long nobody waits for the refusal here, ms. */
const REFUSAL_MS = 60;

describe('the Proxmox dialect', () => {
  let database: TestDatabase;
  let store: TestRedis;
  let postgres: CuttableProxy;
  let redis: CuttableProxy;
  let api: NestFastifyApplication;
  let clock: ManualClock;
  let keys: KeyStore;
  const secrets: Record<string, string> = {};

  beforeAll(async () => {
    [database, store] = [await testDatabase(), await testRedis()];
    [postgres, redis] = [await cuttableProxy(database.url), await cuttableProxy(store.url)];
    clock = new ManualClock(NOW);
    keys = new KeyStore(database.pool, clock);
    const tenants = new TenantDirectory(database.pool, clock);
    await tenants.ensure(['superadmin'], 'auto');
    await tenants.create({ id: 't-acme', name: 'acme & sons' });
    const principals: readonly [string, string, Role][] = [
      ['superadmin', 'root', 'superadmin'],
      ['superadmin', 'scraper', 'scraper'],
      ['superadmin', 'admin', 'admin'],
      ['t-acme', 'ann@home!x', 'admin'],
      ['t-acme', 'collector', 'scraper'],
      ['t-acme', 'bob', 'user'],
      ['t-acme', 'robot', 'reporter'],
    ];
    for (const [tenantId, name, role] of principals) {
      await new Principals(database.pool, clock).createPrincipal({ tenantId, name, role });
      secrets[name] = (await keys.createKey({ tenantId, name })).secret;
    }
    api = await createApi({
      ...{ config: loadConfig({}), databaseUrl: postgres.url, redisUrl: redis.url, clock },
      ...{ logger: createLogger('e2e', 'silent'), refusalMs: REFUSAL_MS },
    });
    await api.init();
    await api.getHttpAdapter().getInstance().ready();
    const generations = new GenerationStore(store.redis);
    await generations.takeLease('test', 600_000);
    for (const ago of [30, 20, 10, 0]) {
      const points = [
        'host',
        'datastore/main',
        'pool/spot',
        'tenant/superadmin',
        'tenant/t-acme',
        'tenant/t-b',
      ].flatMap((id) => ['a', 'b'].map((metric) => ({ id, metric, type: 'gauge' as const, value: 0.5 })));
      await generations.add('test', { timestamp: SECOND - ago, points, leftOut: 0, epoch: '' }, SECOND);
    }
  }, 60_000);
  afterAll(async () => {
    await api.close();
    await Promise.all([postgres.close(), redis.close()]);
    await store.release();
    await database.drop();
  });

  const ask = (authorization: string | undefined, url = JSON_PATH) =>
    api.inject({ method: 'GET', url, headers: authorization === undefined ? {} : { authorization } });
  const as = (name: string, url = JSON_PATH) => ask(`Bearer ${secrets[name]}`, url);
  const pointsOf = async (name: string, query = ''): Promise<(MetricPoint & { timestamp: number })[]> => {
    const answer = await as(name, JSON_PATH + query);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, TYPE]);
    return answer.json().data.data;
  };

  it('shows each role what it may see, and nothing else', async () => {
    const seen = async (name: string): Promise<string[]> => [
      ...new Set((await pointsOf(name, '?history=1')).map(({ id }) => id)),
    ];
    const all = ['host', 'datastore/main', 'pool/spot', 'tenant/superadmin', 'tenant/t-acme', 'tenant/t-b'];
    for (const name of ['root', 'scraper']) expect((await seen(name)).sort()).toEqual([...all].sort());
    expect(await seen('admin')).toEqual(['tenant/superadmin']);
    for (const name of ['ann@home!x', 'collector', 'bob', 'robot'])
      expect([name, await seen(name)]).toEqual([name, ['tenant/t-acme']]);
  });

  it('gives the newest generation, or what is later than a start, the oldest first', async () => {
    const times = async (query: string): Promise<number[]> => [
      ...new Set((await pointsOf('root', query)).map(({ timestamp }) => SECOND - timestamp)),
    ];
    for (const query of ['', '?history=0', '?history=OFF', `?start-time=${SECOND - 10}`, '?start-time=-1']) {
      expect([query, await times(query)]).toEqual([query, [0]]);
    }
    for (const history of ['1', 'on', 'YES', 'True']) {
      expect(await times(`?history=${history}&start-time=${SECOND - 30}`)).toEqual([20, 10, 0]);
    }
    expect(await times('?history=1')).toEqual([30, 20, 10, 0]);
    expect(await times(`?history=1&start-time=${SECOND - 1}`)).toEqual([0]);
    for (const start of [SECOND, SECOND + 1, '9223372036854775807']) {
      expect(await times(`?history=1&start-time=${start}`)).toEqual([]);
    }
    expect(await times('?history=1&start-time=-9223372036854775808')).toEqual([30, 20, 10, 0]);
    const { data } = (await as('collector')).json();
    expect(data.data[0]).toEqual({
      ...{ id: 'tenant/t-acme', metric: 'a', timestamp: SECOND, type: 'gauge', value: 0.5 },
    });
    expect((await as('collector', EXTJS_PATH)).json()).toEqual({ data, status: 200, success: true });
  });

  it('refuses parameters it does not know or cannot read, in both envelopes', async () => {
    for (const [query, ...names] of [
      ['history=2', 'history'],
      ['history=', 'history'],
      ['history=1&history=1', 'history'],
      ['start-time=1.5', 'start-time'],
      ['start-time=9223372036854775808', 'start-time'],
      ['start-time=', 'start-time'],
      ['local-only=1&node-list=a', 'local-only', 'node-list'],
      ['__proto__=1', '__proto__'],
    ] as const) {
      const plain = await as('root', `${JSON_PATH}?${query}`);
      expect([query, plain.statusCode, plain.headers['content-type']]).toEqual([query, 400, TYPE]);
      for (const name of names) expect(plain.body).toContain(`'${name}'`);
      const wrapped = await as('root', `${EXTJS_PATH}?${query}`);
      expect([wrapped.statusCode, wrapped.headers['content-type']]).toEqual([200, TYPE]);
      expect(wrapped.json()).toMatchObject({ success: false, status: 400, message: plain.body });
      expect(Object.keys(wrapped.json().errors)).toEqual([...names]);
    }
  });

  it('takes a token whose user, tenant and key belong together', async () => {
    const token = (user: string, tenant: string, secret: string | undefined, by = '='): string =>
      `PBSAPIToken${by}${user}@quipu!${tenant}:${secret}`;
    const tenant = encodeURIComponent('acme & sons');
    for (const good of [
      token('root', 'superadmin', secrets['root']),
      token('root', 'superadmin', secrets['root'], ' '),
      token('collector', tenant, secrets['collector']),
      token('collector', 'acme & sons', secrets['collector']),
      token('ann@home!x', tenant, secrets['ann@home!x']),
    ]) {
      expect([good, (await ask(good)).statusCode]).toEqual([good, 200]);
    }
    for (const bad of [
      token('root', 'superadmin', secrets['scraper']),
      token('collector', 't-acme', secrets['collector']),
      token('collector', 'superadmin', secrets['collector']),
      token('', tenant, secrets['collector']),
      token('root', 'superadmin', ''),
      token('a%00', '%ff', 'x'),
      `PBSAPIToken=root@pam!superadmin:${secrets['root']}`,
      `PVEAPIToken=root@quipu!superadmin=${secrets['root']}`,
      ...['PBSAPIToken=', 'PBSAPIToken=:', 'Basic eDp5', 'Bearer', 'Bearer qk_nothing', ''],
    ]) {
      const answer = await ask(bad);
      expect([bad, answer.statusCode, answer.body, answer.headers['content-type']]).toEqual([
        ...[bad, 401, 'authentication failed', TYPE],
      ]);
    }
    expect((await ask(undefined, EXTJS_PATH)).json()).toEqual({
      ...{ success: false, status: 401, message: 'authentication failed', errors: {}, data: null },
    });
  });

  it('answers what there is not, and what cannot be routed, in its own form', async () => {
    for (const url of ['/api2/json/nothing', '/api2/json', '/api2/extjs/status', '/api2/extjs/%ff']) {
      const answer = await ask(undefined, url);
      const status = url.endsWith('%ff') ? 400 : 404;
      const extjs = url.includes('extjs');
      expect([url, answer.statusCode, answer.headers['content-type']]).toEqual([
        url,
        extjs ? 200 : status,
        TYPE,
      ]);
      if (extjs) expect(answer.json()).toMatchObject({ success: false, status });
    }
    expect((await api.inject({ method: 'POST', url: JSON_PATH })).statusCode).toBe(404);
    expect((await api.inject({ method: 'GET', url: '/api2/html/status' })).headers['content-type']).toMatch(
      /^application\/problem\+json/,
    );
  });

  it('holds only so many refusals back, and none for a client that is gone or at the end', async () => {
    const refusals = new LateRefusals(600_000, 3);
    const { EventEmitter } = await import('node:events');
    const client = new EventEmitter();
    const gone = refusals.wait(client);
    const others = [refusals.wait(new EventEmitter()), refusals.wait(new EventEmitter())];
    await refusals.wait(new EventEmitter());
    expect(refusals.size).toBe(3);
    client.emit('close');
    await gone;
    expect([refusals.size, client.listenerCount('close')]).toEqual([2, 0]);
    refusals.end();
    await Promise.all(others);
    await refusals.wait(client);
    expect(refusals.size).toBe(0);
  });

  it('goes on while Postgres is away, for keys that it has seen', async () => {
    const soon = await keys.createKey({ tenantId: 't-acme', name: 'collector' }, { expiresMs: NOW + 60_000 });
    const late = (await keys.createKey({ tenantId: 't-acme', name: 'collector' })).secret;
    const revoked = await keys.createKey({ tenantId: 't-acme', name: 'collector' });
    for (const { secret } of [soon, revoked]) expect((await ask(`Bearer ${secret}`)).statusCode).toBe(200);
    await keys.revokeKey(revoked.id);
    expect((await ask(`Bearer ${revoked.secret}`)).statusCode).toBe(401);
    await pointsOf('root');
    const before = await pointsOf('collector', '?history=1');
    postgres.cut();
    try {
      expect(await pointsOf('collector', '?history=1')).toEqual(before);
      expect(await pointsOf('root')).toHaveLength(12);
      expect((await ask(`Bearer ${soon.secret}`)).statusCode).toBe(200);
      for (const unknown of [late, revoked.secret]) {
        const answer = await ask(`Bearer ${unknown}`);
        expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, TYPE]);
      }
      clock.set(NOW + 61_000);
      expect((await ask(`Bearer ${soon.secret}`)).statusCode).toBe(401);
      clock.set(NOW + 31 * 60_000);
      expect((await as('collector')).statusCode).toBe(503);
    } finally {
      postgres.mend();
      clock.set(NOW);
    }
    expect(await pointsOf('collector', '?history=1')).toEqual(before);
  }, 60_000);

  it('is 503 while Redis is away, in both envelopes, whoever asks', async () => {
    redis.cut();
    try {
      const plain = await as('root');
      expect([plain.statusCode, plain.headers['content-type']]).toEqual([503, TYPE]);
      expect(plain.headers['retry-after']).toBeDefined();
      const wrapped = await as('root', EXTJS_PATH);
      expect([wrapped.statusCode, wrapped.json()]).toMatchObject([200, { success: false, status: 503 }]);
      expect((await as('bob')).statusCode).toBe(503);
    } finally {
      redis.mend();
    }
    await until(async () => (await as('root')).statusCode === 200);
  }, 60_000);

  it('tells a history of full generations in pieces', async () => {
    const generations = new GenerationStore(store.redis);
    await generations.takeLease('test', 600_000);
    const ids = Array.from({ length: 2_500 }, (_, i) => `tenant/t${i}`);
    for (const ahead of [10, 20, 30]) {
      const points = ids.flatMap((id) =>
        ['a', 'b'].map((metric) => ({ id, metric, type: 'gauge' as const, value: ahead })),
      );
      await generations.add('test', { timestamp: SECOND + ahead, points, leftOut: 0, epoch: '' }, SECOND);
    }
    const points = await pointsOf('root', `?history=1&start-time=${SECOND}`);
    expect(points).toHaveLength(15_000);
    const times = points.map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    await store.redis.zremrangebyscore('{quipu}:generations', SECOND + 1, '+inf');
  }, 60_000);
});
