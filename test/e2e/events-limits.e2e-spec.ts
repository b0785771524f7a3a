import type { InjectOptions, Response } from 'light-my-request';
import { cuttableProxy, type CuttableProxy } from '../../apps/projector/test/cuttable-proxy.js';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { type Document, resolved, schemasOf } from './support/openapi-schemas.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

let callers = 0;
/** An address that has not asked before. */
const fresh = () => `198.18.${(callers += 1) >> 8}.${callers & 255}`;

describe('limits of the door for events', () => {
  let system: TestSystem;
  let proxy: CuttableProxy;
  let key: string;

  beforeAll(async () => {
    system = await startTestSystem({
      env: {
        QUIPU_MAX_QUEUE_LENGTH: '3',
        // Counted, as everywhere, but at rates that waiting for a condition never reaches.
        QUIPU_REQUESTS_PER_KEY: '100000',
        QUIPU_REQUESTS_PER_ADDRESS: '100000',
        QUIPU_TRUSTED_PROXIES: '127.0.0.1',
      },
      apiRedisUrl: async (url) => (proxy = await cuttableProxy(url)).url,
    });
    await system.tenants.create({ id: 'acme' });
    key = await system.principal('acme', 'bot', 'reporter');
  });
  afterAll(async () => {
    await system.stop();
    await proxy.close();
  });

  function post(event: object, from: string, query = ''): Promise<Response> {
    return system.request({
      method: 'POST',
      url: `/api/events${query}`,
      payload: event,
      headers: { authorization: `Bearer ${key}`, 'x-forwarded-for': from },
    });
  }

  it('puts reporters off while the queue is too long, without losing what it has taken', async () => {
    await system.queue.pause();
    const events = Array.from({ length: 3 }, () => sampleCloudEvent());
    for (const event of events) expect((await post(event, fresh())).statusCode).toBe(202);
    await until(async () => (await post([], fresh())).json().detail?.startsWith('The queue is full'));
    const refused = await post(sampleCloudEvent(), fresh());
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([
      429,
      expect.stringMatching(/^\d+$/),
    ]);
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(refused.json().detail).toMatch(/^The queue is full/);
    await system.queue.resume();
    await until(async () => (await post([], fresh())).statusCode === 202);
    await until(async () => {
      const found = await system.log.locate(
        events.map(
          ({ tenant, source, id }) =>
            ({ tenant, source, id }) as { tenant: string; source: string; id: string },
        ),
      );
      return !found.includes(null);
    });
  });

  it('says 202 to who waits for the log in vain: the queue has the events', async () => {
    await system.queue.pause();
    const event = sampleCloudEvent();
    const answer = await post(event, fresh(), '?ack=log');
    expect([answer.statusCode, answer.json()]).toEqual([202, { accepted: 1, rejected: [] }]);
    await system.queue.resume();
    await until(async () => (await system.log.locate([event as never]))[0] !== null);
  }, 30_000);

  it('says 503 while Redis is away, locks nobody out, and goes on by itself', async () => {
    proxy.cut();
    await until(async () => (await post(sampleCloudEvent(), fresh())).statusCode === 503);
    const answer = await post(sampleCloudEvent(), fresh());
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5']);
    expect(answer.json()).toMatchObject({
      title: 'Service unavailable',
      detail: 'The queue does not answer.',
    });
    proxy.mend();
    const event = sampleCloudEvent();
    await until(async () => (await post(event, fresh(), '?ack=log')).statusCode === 200);
  }, 30_000);
});

describe('limits of requests', () => {
  let system: TestSystem;

  beforeAll(async () => {
    // One a second: however slowly this machine asks, most of what is asked at once is refused.
    const rates = { QUIPU_REQUESTS_PER_KEY: '1', QUIPU_REQUESTS_PER_ADDRESS: '1' };
    system = await startTestSystem({ env: { ...rates, QUIPU_TRUSTED_PROXIES: '127.0.0.1' }, refusalMs: 0 });
  });
  afterAll(() => system.stop());

  it('holds back who asks too often, by key and by address, with a time to come back', async () => {
    const ask = (from: string, headers: Record<string, string> = {}): InjectOptions => ({
      url: '/v2/metrics/queues',
      headers: { 'x-forwarded-for': from, ...headers },
    });
    const many = (count: number, options: InjectOptions) =>
      Promise.all(Array.from({ length: count }, () => system.request(options)));
    const byAddress = (await many(40, ask('203.0.113.5'))).filter(({ statusCode }) => statusCode === 429);
    expect(byAddress.length).toBeGreaterThanOrEqual(5);
    expect(byAddress[0]!.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(byAddress[0]!.headers['x-content-type-options']).toBe('nosniff');
    expect((await system.request(ask('203.0.113.6'))).statusCode).toBe(401);

    const authorization = 'Bearer qk_whatever';
    const byKey = await Promise.all(
      Array.from({ length: 30 }, () =>
        system.request({ url: '/api/events/a/b', headers: { authorization, 'x-forwarded-for': fresh() } }),
      ),
    );
    const refused = byKey.filter(({ statusCode }) => statusCode === 429);
    expect(refused.length).toBeGreaterThanOrEqual(5);
    expect(refused[0]!.json()).toMatchObject({ status: 429, title: 'Too many requests' });
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(
      (await system.request({ url: '/health/live', headers: { 'x-forwarded-for': '203.0.113.5' } }))
        .statusCode,
    ).toBe(200);
  });

  it('refuses as the OpenAPI document says, on every route but the probes of health', async () => {
    const document: Document = (await system.request({ url: '/docs/openapi.json' })).json();
    const compile = schemasOf(document);
    const headers = { 'x-forwarded-for': '203.0.113.8', accept: 'application/json' };
    for (const [path, operations] of Object.entries(document.paths)) {
      if (path.startsWith('/health/')) continue;
      for (const [method, { responses }] of Object.entries(operations)) {
        const name = `${method} ${path}`;
        const request = { method: method as 'get', url: path.replaceAll(/\{\w+\}/g, 'x'), headers };
        let answer: Response | undefined;
        // At one a second, of several that are asked at once some are refused; the first come out of the burst.
        for (let round = 0; answer === undefined && round < 50; round += 1) {
          const answers = await Promise.all([0, 1, 2, 3].map(() => system.request(request)));
          answer = answers.find(({ body }) => /too many requests at once/i.test(body));
        }
        if (answer === undefined) throw new Error(`${name} is never refused`);
        expect([name, answer.headers['retry-after']]).toEqual([name, expect.stringMatching(/^[1-9]\d*$/)]);
        const told = responses[String(answer.statusCode)];
        expect([name, answer.statusCode, told !== undefined]).toEqual([name, answer.statusCode, true]);
        const type = String(answer.headers['content-type']).split(';', 1)[0]!;
        const media = resolved(document, told!).content?.[type];
        expect([name, type, media !== undefined]).toEqual([name, type, true]);
        if (!/^[[{"]/.test(answer.body)) continue;
        const validate = compile(media!.schema);
        expect([name, validate(answer.json()), validate.errors]).toEqual([name, true, null]);
      }
    }
  });
});
