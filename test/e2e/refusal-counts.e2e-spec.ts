import { createRedis } from '@quipu/platform';
import { sampleCloudEvent, until } from '../../apps/projector/test/sample-job.js';
import { type AnotherApi, anotherApi } from './support/another-api.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const ENV = { QUIPU_METRICS_CACHE_SECONDS: '0' };
const DAY = 86_400_000;

interface Sending {
  readonly type?: string;
  readonly query?: string;
  readonly key?: string;
}

describe('what is refused over HTTP', () => {
  let system: TestSystem;
  let second: AnotherApi;
  let reporter: string;
  let scraper: string;

  beforeAll(async () => {
    system = await startTestSystem({ env: ENV });
    second = await anotherApi(system, ENV);
    await system.tenants.create({ id: 'acme' });
    reporter = await system.principal('acme', 'bot', 'reporter');
    scraper = await system.principal('superadmin', 'prometheus', 'scraper');
  }, 60_000);
  afterAll(async () => {
    await second.close();
    await system.stop();
  });

  /** Posts to both APIs; the status. */
  async function post(
    body: unknown,
    { type = 'application/json', query = '', key = reporter }: Sending = {},
  ) {
    const request = {
      ...{ method: 'POST' as const, url: `/api/events${query}` },
      headers: { 'content-type': type, ...(key === '' ? {} : { authorization: `Bearer ${key}` }) },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    };
    const answers = [await system.request(request), await second.inject(request)];
    expect(answers[0]!.statusCode).toBe(answers[1]!.statusCode);
    return answers[0]!.statusCode;
  }

  const metrics = async (api: AnotherApi | null, bearer: string) => {
    const request = {
      ...{ method: 'GET' as const, url: '/metrics?format=openmetrics' },
      headers: { authorization: `Bearer ${bearer}` },
    };
    return (await (api === null ? system.request(request) : api.inject(request))).body;
  };

  /** Counts by reason, as an API tells them. */
  async function counted(api: AnotherApi | null = null): Promise<Record<string, number>> {
    const found = (await metrics(api, scraper)).matchAll(
      /^quipu_ingest_rejected_total\{door="http",reason="([^"]*)"\} (\d+)$/gm,
    );
    return Object.fromEntries([...found].map(([, reason, count]) => [reason!, Number(count)]));
  }

  const cases: readonly [string, number, () => unknown, Sending, Record<string, number>][] = [
    ['nothing that is accepted', 202, () => sampleCloudEvent(), {}, {}],
    ['an event that is none', 422, () => ({}), {}, { malformed: 1 }],
    [
      'each event of a batch by its own reason, also where others are accepted',
      202,
      () => [sampleCloudEvent(), {}, [], sampleCloudEvent({ type: 'job.exploded' })],
      {},
      { malformed: 2, 'unknown-type': 1 },
    ],
    [
      'what the key may not say',
      422,
      () => [sampleCloudEvent({ tenant: 'globex' }), sampleCloudEvent({ source: 'quipu/sweeper' })],
      {},
      { 'foreign-tenant': 1, 'foreign-source': 1 },
    ],
    [
      'an event that is too old',
      422,
      () => sampleCloudEvent({ time: new Date(Date.now() - 500 * DAY).toISOString() }),
      {},
      { 'too-old': 1 },
    ],
    ['lines that are no JSON', 422, () => '{\n}\n', { type: 'application/x-ndjson' }, { malformed: 2 }],
    ['a body that is no JSON, once', 400, () => '[{}, {', {}, { 'bad-request': 1 }],
    ['a parameter that there is not, once', 400, () => [], { query: '?ack=maybe' }, { 'bad-request': 1 }],
    ['a wish that the key has no right to, once', 403, () => [], { query: '?import=true' }, { forbidden: 1 }],
    ['a type that is not taken, once', 415, () => 'x', { type: 'text/csv' }, { 'media-type': 1 }],
    [
      'more events than a request may have, once',
      413,
      () => `[${'{},'.repeat(6_000)}{}]`,
      {},
      { 'request-too-large': 1 },
    ],
    ['nobody who is unknown', 401, () => ({}), { key: 'nonsense' }, {}],
    ['nobody without a key', 401, () => ({}), { key: '' }, {}],
  ];

  it.each(cases)('counts %s', async (_, status, body, sending, expected) => {
    const before = await counted();
    expect(await post(body(), sending)).toBe(status);
    const after = await counted(second);
    expect(await counted()).toEqual(after);
    // Each of the two was asked once.
    const more = Object.entries(after).map(
      ([reason, count]) => [reason, count - (before[reason] ?? 0)] as const,
    );
    expect(Object.fromEntries(more.filter(([, count]) => count !== 0))).toEqual(
      Object.fromEntries(Object.entries(expected).map(([reason, count]) => [reason, 2 * count])),
    );
  });

  it('counts nobody who may not report', async () => {
    const before = await counted();
    expect(await post({}, { key: scraper })).toBe(403);
    expect(await counted()).toEqual(before);
  });

  it('is told beside dead letters, with when counting began, over restarts, and to nobody but the platform', async () => {
    await post({});
    await system.queue.add('events', { events: [{}] });
    const dead = /^quipu_ingest_rejected_total\{door="log",reason="malformed"\} 1$/m;
    await until(async () => dead.test(await metrics(null, scraper)));
    const since = /^quipu_ingest_rejected_created\{door="http",reason="malformed"\} (\S+)$/m;
    expect(since.exec(await metrics(null, scraper))![1]).toBe(String(system.clock.now() / 1000));
    const third = await anotherApi(system, ENV);
    expect(await counted(third)).toEqual(await counted());
    await third.close();
    const own = await system.principal('acme', 'own', 'scraper');
    expect(await metrics(null, own)).not.toContain('quipu_ingest_rejected');
  });

  it('is told without what somebody else wrote there', async () => {
    const redis = createRedis(system.redisUrl, 'plain');
    const before = await counted();
    await redis.hset('{quipu}:http-refusals', { 'of nobody': '1', malformed: 'many' });
    const { malformed: _, ...rest } = before;
    expect(await counted(await restarted())).toEqual(rest);
    redis.disconnect();
  });

  const restarted = async (): Promise<AnotherApi> => {
    await second.close();
    return (second = await anotherApi(system, ENV));
  };
});
