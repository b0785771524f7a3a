import { startTestSystem, type TestSystem } from './support/test-system.js';

describe('bodies of tenants and keys', () => {
  let system: TestSystem;
  let secret: string;

  beforeAll(async () => {
    system = await startTestSystem({ now: Date.UTC(2026, 2, 2, 12) });
    await system.tenants.create({ id: 't-acme', name: 'acme' });
    await system.tenants.create({ id: 't-beta', name: 'beta' });
    secret = await system.principal('superadmin', 'admin', 'superadmin');
  }, 60_000);
  afterAll(() => system.stop());

  const post = (url: string, payload: string | object, type = 'application/json') =>
    system.request({
      ...{ method: 'POST', url, payload: typeof payload === 'string' ? payload : JSON.stringify(payload) },
      headers: { authorization: `Bearer ${secret}`, 'content-type': type },
    });

  it('that are wrong are told all at once', async () => {
    const body = {
      principal: '',
      role: 'king',
      label: 'a\nb',
      expires: 'soon',
      colour: 'red',
      sourcePrefix: 7,
    };
    const answer = await post('/api/keys', body);
    expect(answer.statusCode).toBe(422);
    expect(
      answer
        .json()
        .errors.map(({ parameter }: { parameter: string }) => parameter)
        .sort(),
    ).toEqual(['colour', 'expires', 'label', 'principal', 'role', 'sourcePrefix'].sort());
    expect(answer.json().hint).toBe('Members are tenant, principal, role, label, expires, sourcePrefix.');
  });

  it.each([
    ['/api/tenants', {}, 422],
    ['/api/tenants', { id: 'a b' }, 422],
    ['/api/tenants', { id: 'x', name: '\u0000' }, 422],
    ['/api/tenants', { id: 'x', name: ' ' }, 422],
    ['/api/tenants', { id: 't-acme' }, 409],
    ['/api/tenants', { id: 'new', name: 't-beta' }, 409],
    ['/api/tenants', { id: 'beta' }, 409],
    ['/api/tenants?colour=red', { id: 'x' }, 400],
    ['/api/tenants', [], 422],
    ['/api/keys', { tenant: 't-acme', principal: 'x'.repeat(201), role: 'user' }, 422],
    ['/api/keys', { tenant: 't-acme', principal: '\ud800', role: 'user' }, 422],
    ['/api/keys', { tenant: 't-acme', principal: 'x', role: 'user', expires: '2020-01-01' }, 422],
    ['/api/keys', { tenant: 't-acme', principal: 'x', role: 'user', expires: 1e308 }, 422],
    ['/api/keys', { principal: 'x', role: 'user' }, 422],
    ['/api/keys', { tenant: 'acme', principal: 'x', role: 'superadmin' }, 422],
    ['/api/keys/%00/rotate', {}, 404],
    ['/api/keys/x/rotate', { graceSeconds: -1 }, 422],
    ['/api/keys/x/rotate', { graceSeconds: 1.5 }, 422],
    ['/api/keys/x/rotate', { graceSeconds: 1e9 }, 422],
    ['/api/keys/x/rotate', { graceSeconds: '60' }, 422],
  ])('POST %s %j is %i', async (url, body, status) => {
    const answer = await post(url, body);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).not.toMatch(/\.ts|node_modules|insert into/i);
  });

  it.each([
    ['application/json', '{"id":', [400]],
    ['application/json', 'null', [422]],
    ['application/json', '{"__proto__":{"id":"x"}}', [400, 422]],
    ['text/plain', 'id=x', [415]],
    ['application/x-www-form-urlencoded', 'id=x', [415]],
    ['application/json', `{"id":"${'x'.repeat(70_000)}"}`, [413]],
  ])('of type %s like %.20s are refused', async (type, payload, statuses) => {
    const answer = await post('/api/tenants', payload, type);
    expect(statuses).toContain(answer.statusCode);
  });

  it('that cannot be read are told why', async () => {
    const cut = await post('/api/tenants', '{"id":');
    expect([cut.statusCode, cut.json().detail]).toEqual([400, expect.stringMatching(/^The body is no JSON/)]);
    const latin = Buffer.from('{"id":"t-new","name":"K\u00f6ln"}', 'latin1');
    const answer = await system.request({
      ...{ method: 'POST', url: '/api/tenants', payload: latin },
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    });
    expect([answer.statusCode, answer.json().detail]).toEqual([400, 'The body is no UTF-8.']);
  });

  it('that are empty are none, whatever their type is', async () => {
    const made = await post('/api/keys', { tenant: 't-acme', principal: 'empty', role: 'user' });
    const rotated = await post(`/api/keys/${made.json().id}/rotate`, '');
    expect([rotated.statusCode, rotated.json().replaces?.id]).toEqual([201, made.json().id]);
    expect((await post(`/api/keys/${rotated.json().id}/revoke`, '')).statusCode).toBe(200);
    expect((await post('/api/tenants', '')).statusCode).toBe(422);
  });
});
