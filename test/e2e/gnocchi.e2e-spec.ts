import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GNOCCHI_ROUTES } from '../../apps/api/src/gnocchi/gnocchi-routes.js';
import { GNOCCHI_STATEMENTS, GROUND, metric } from './support/gnocchi-statements.js';
import { type GnocchiSystem, startGnocchiSystem } from './support/gnocchi-system.js';

const NOW = Date.UTC(2026, 2, 2, 12);

describe('the Gnocchi dialect', () => {
  let system: GnocchiSystem;

  beforeAll(async () => {
    system = await startGnocchiSystem({
      now: NOW,
      env: { QUIPU_GNOCCHI_AUTH: 'trust', QUIPU_ARCHIVE_DEFAULTS: 'off' },
    });
    expect((await system.ask({ method: 'POST', path: '/v1/archive_policy', body: GROUND })).statusCode).toBe(
      201,
    );
  }, 60_000);
  afterAll(() => system.stop());

  it.each(GNOCCHI_STATEMENTS)('%s', async (_, request, expected) => {
    const answer = await system.ask(request);
    expect([answer.statusCode, answer.statusCode === expected.status ? '' : answer.body]).toEqual([
      expected.status,
      '',
    ]);
    if (expected.text !== undefined) expect(answer.body).toBe(expected.text);
    if (expected.body !== undefined) expect(answer.json()).toEqual(expected.body);
    if (expected.description !== undefined) {
      expect(answer.json<{ description: unknown }>().description).toEqual(expected.description);
    }
    for (const [name, value] of Object.entries(expected.headers ?? {}))
      expect(answer.headers[name]).toBe(value);
  });

  it('refuses honestly what it does not serve, and only to those it knows', async () => {
    const unserved = [
      'aggregates',
      'resource_type',
      'search/metric',
      'search/resource/generic',
      'influxdb/write',
    ];
    for (const path of unserved) {
      expect((await system.ask({ method: 'POST', path: `/v1/${path}`, body: {} })).statusCode).toBe(501);
      expect((await system.ask({ method: 'POST', path: `/v1/${path}`, body: {}, as: null })).statusCode).toBe(
        401,
      );
    }
  });

  it('writes numbers that JSON does not have as its clients read them', async () => {
    const { id } = (await system.ask(metric({ archive_policy_name: 'ground' }))).json<{ id: string }>();
    const body = `[{"timestamp": 1, "value": NaN}, {"timestamp": 2, "value": "-inf"}, {"timestamp": 3, "value": Infinity}]`;
    const posted = await system.ask({ method: 'POST', path: `/v1/metric/${id}/measures`, body });
    expect([posted.statusCode, posted.headers['content-length'], posted.body]).toEqual([202, '0', '']);
    const told = await system.ask({ path: `/v1/metric/${id}/measures?refresh=true&aggregation=sum` });
    expect(told.body).toBe(
      '[["1970-01-01T00:00:01+00:00", 1.0, NaN], ["1970-01-01T00:00:02+00:00", 1.0, -Infinity], ["1970-01-01T00:00:03+00:00", 1.0, Infinity]]',
    );
  });

  it('takes no time that is none, which would end the metric', async () => {
    const { id } = (await system.ask(metric({ archive_policy_name: 'ground' }))).json<{ id: string }>();
    for (const timestamp of ['', 'NaT', 'nan', 'inf', '2300-01-01', 1e300, '2015-02-30', '20240301T000007']) {
      const answer = await system.ask({
        method: 'POST',
        path: `/v1/metric/${id}/measures`,
        body: [{ timestamp, value: 1 }],
      });
      expect([timestamp, answer.statusCode]).toEqual([timestamp, 400]);
    }
    const without = await system.ask({
      method: 'POST',
      path: `/v1/metric/${id}/measures`,
      body: [{ timestamp: 5, value: 1 }, { value: 5 }],
    });
    expect(without.json()).toHaveProperty('description.reason', 'unexpected measures format');
  });

  it('answers conditions on what was seen of a resource', async () => {
    const path = '/v1/resource/generic/seen';
    const made = await system.ask({ method: 'POST', path: '/v1/resource/generic', body: { id: 'seen' } });
    const etag = String(made.headers['etag']);
    expect((await system.ask({ path, headers: { 'if-none-match': etag } })).statusCode).toBe(304);
    expect((await system.ask({ path, headers: { 'if-match': '"x"' } })).statusCode).toBe(412);
    expect((await system.ask({ method: 'DELETE', path, headers: { 'if-match': '"x"' } })).statusCode).toBe(
      412,
    );
    expect((await system.ask({ method: 'DELETE', path, headers: { 'if-match': etag } })).statusCode).toBe(
      204,
    );
  });

  it('loses nothing of what many send at once', async () => {
    const { id } = (await system.ask(metric({ archive_policy_name: 'ground' }))).json<{ id: string }>();
    const body = Array.from({ length: 50 }, (_, i) => ({ timestamp: 1_000 + i, value: i }));
    const answers = await Promise.all(
      body.map((measure) =>
        system.ask({ method: 'POST', path: `/v1/metric/${id}/measures`, body: [measure] }),
      ),
    );
    expect(answers.every(({ statusCode }) => statusCode === 202)).toBe(true);
    const told = await system.ask({ path: `/v1/metric/${id}/measures?refresh=true&aggregation=count` });
    expect(told.json()).toHaveLength(50);
  });

  it('opens a resource again that is measured after its end, and counts what came too late', async () => {
    const of = '/v1/resource/generic';
    const body = {
      id: 'ended',
      started_at: 0,
      ended_at: 1_000,
      metrics: { m: { archive_policy_name: 'ground' } },
    };
    expect((await system.ask({ method: 'POST', path: of, body })).json()).toHaveProperty(
      'ended_at',
      '1970-01-01T00:16:40+00:00',
    );
    const late = async (): Promise<number> =>
      (await system.ask({ path: '/v1/status' })).json<{
        metricd: { statistics: { archive: { 'late-measures': number } } };
      }>().metricd.statistics.archive['late-measures'];
    const before = await late();
    for (const timestamp of [2_000, 1_500]) {
      const path = `${of}/ended/metric/m/measures`;
      await system.ask({ method: 'POST', path, body: [{ timestamp, value: 1 }] });
      expect((await system.ask({ path: `${path}?refresh=true` })).json()).toHaveLength(1);
    }
    expect((await system.ask({ path: `${of}/ended` })).json()).toHaveProperty('ended_at', null);
    expect(await late()).toBe(before + 1);
  });

  it('documents every path', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/api/gnocchi.md'), 'utf8');
    for (const { path } of GNOCCHI_ROUTES) expect(page).toContain(`/v1/${path}`);
  });
});

describe('the Gnocchi dialect, below a prefix', () => {
  it('is all there, and nowhere else', async () => {
    const system = await startGnocchiSystem({ now: NOW, env: { QUIPU_GNOCCHI_PREFIX: '/metric' } });
    try {
      const key = await system.principal('superadmin', 'admin', 'superadmin');
      const as = ['admin', key] as const;
      const made = await system.ask({ method: 'POST', path: '/metric/v1/metric', as, body: { name: 'x' } });
      expect(made.statusCode).toBe(201);
      expect(made.headers['location']).toMatch(/^http:\/\/localhost:80\/metric\/v1\/metric\/[0-9a-f-]{36}$/);
      expect((await system.ask({ path: '/metric' })).json()).toHaveProperty('versions');
      expect((await system.ask({ path: '/metric/healthcheck' })).statusCode).toBe(200);
      expect((await system.ask({ path: '/v1/metric', as })).statusCode).toBe(404);
    } finally {
      await system.stop();
    }
  }, 60_000);
});
