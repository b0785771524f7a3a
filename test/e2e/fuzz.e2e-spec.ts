import { createRedis } from '@quipu/platform';
import { GenerationStore } from '@quipu/read-models';
import fc from 'fast-check';
import type { InjectOptions } from 'light-my-request';
import { runs } from '../property/runs.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** Stands in every name of the foreign tenant, and in no request: an answer that holds it leaked. */
const FOREIGN = 'zeta7f3a91';
const NOW = Date.parse('2026-03-01T12:00:00Z');

/** 20,000 cases; more with QUIPU_PROPERTY_FACTOR. Sent in batches, so that a failing batch can be found. */
const BATCH = 20;
const BATCHES = 1_000;

/** Most memory the whole process may have gained after all cases, bytes: a leak of 20 kB a case would show. */
const MEMORY_BOUND = 400 * 1024 * 1024;

const ROUTES = [
  ['GET', '/'],
  ['GET', '/status'],
  ['GET', '/v2/metrics/queues'],
  ['GET', '/v2/metrics/nodes/usage'],
  ['GET', '/health/ready'],
  ['GET', '/health/live'],
  ['GET', '/health/startup'],
  ['GET', '/docs'],
  ['GET', '/docs/openapi.json'],
  ['GET', '/api/usage'],
  ['GET', '/api/queues'],
  ['GET', '/api/workers'],
  ['GET', '/api/pools'],
  ['GET', '/api/why'],
  ['GET', '/api/why/export'],
  ['GET', '/api/tenants'],
  ['POST', '/api/tenants'],
  ['GET', '/api/keys'],
  ['POST', '/api/keys'],
  ['GET', '/api/audit'],
  ['GET', '/metrics'],
  ['GET', '/api/1.0/open-metrics/'],
  ['GET', '/api/1.0/service-status/'],
  ['GET', '/api2/json/status/metrics'],
  ['GET', '/api2/extjs/status/metrics'],
  // The one that takes bodies, more often than its share.
  ['POST', '/api/events'],
  ['POST', '/api/events'],
  ['POST', '/api/events'],
  ['POST', '/api/events'],
  ['POST', '/api/events?ack=log'],
] as const;
const PREFIXES = [
  '/api/jobs/',
  '/api/nodes/',
  '/api/workers/',
  '/api/events/',
  '/api/keys/',
  '/v2/',
  '/api2/json/',
  '/api/',
  '/',
];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'] as const;
const PARAMETERS = [
  ...[
    'level',
    'by',
    'start',
    'end',
    'bucket',
    'tenant',
    'user',
    'queue',
    'cluster',
    'clustertemplate',
    'template',
  ],
  ...[
    'provider',
    'hardwaretype',
    'hardware',
    'imagetype',
    'image',
    'service',
    'groupby',
    'timeunit',
    'measure',
    'pool',
    'type',
    'state',
    'sort',
  ],
  ...[
    'history',
    'start-time',
    'limit',
    'cursor',
    'format',
    'asOf',
    'at',
    'ack',
    '__proto__',
    'constructor',
    'x[y]',
  ],
];
const TYPES = [
  ...['application/json', 'application/cloudevents+json', 'application/cloudevents-batch+json', 'text/plain'],
  ...['application/x-ndjson', 'multipart/form-data', 'application/json; charset=utf-7', '', 'a/b/c;;'],
];

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '\0',
    '\ud800',
    '%00',
    '%',
    '../../etc/passwd',
    "' OR 1=1 --",
    '{"a":1}',
    '\u202e',
    'NaN',
    '-0',
  ),
  fc.constantFrom(
    '-9223372036854775808',
    '1e400',
    '253402300800',
    '0',
    'now',
    '-7d',
    '2026-02-30',
    '9'.repeat(300),
  ),
  fc.constantFrom(
    'hour',
    'day',
    'nodes',
    'tenant',
    'tenant,user',
    'node_seconds',
    'queued',
    'csv',
    'acme',
    'log',
  ),
  fc.integer().map(String),
);
const event = fc.record(
  {
    specversion: fc.constantFrom<unknown>('1.0', '0.3', 1),
    id: fc.oneof(fc.uuid(), odd),
    source: fc.constantFrom('fuzz', 'a/b', ''),
    type: fc.constantFrom<unknown>(
      'job.queued',
      'job.started',
      'job.completed',
      'node.allocated',
      'no.such',
      7,
    ),
    subject: fc.constantFrom('job/f1', 'job/f2', 'node/c/n', 'x'),
    tenant: fc.constantFrom('acme', 'superadmin', 'nobody'),
    time: fc.constantFrom<unknown>('2026-03-01T11:59:00Z', '2026-03-01T11:00:00+01:00', 'yesterday', 12),
    data: fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('attempt', 'nodes', 'user', 'queue', 'labels'), fc.jsonValue()),
    ),
  },
  { requiredKeys: [] },
);
/** What a well-behaved reporter sends: without it nothing would ever be accepted. */
const goodEvent = fc.uuid().map((id) => ({
  specversion: '1.0',
  id,
  source: 'fuzz',
  type: 'job.queued',
  subject: `job/${id}`,
  tenant: 'acme',
  time: '2026-03-01T11:59:00Z',
  data: { queue: 'f' },
}));
const body = fc.oneof(
  { weight: 4, arbitrary: goodEvent.map((value) => JSON.stringify(value)) },
  fc.constant(undefined),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  event.map((value) => JSON.stringify(value)),
  fc.array(event, { maxLength: 5 }).map((value) => JSON.stringify(value)),
  fc.array(event, { maxLength: 5 }).map((values) => values.map((value) => JSON.stringify(value)).join('\n')),
  fc.integer({ min: 1, max: 3000 }).map((depth) => '['.repeat(depth)),
);
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ROUTES) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...METHODS), fc.constantFrom(...PREFIXES), fc.array(odd, { maxLength: 3 }))
      .map(([method, prefix, parts]) => [method, prefix + parts.map(encode).join('/')] as const),
  },
);
const query = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...PARAMETERS), odd), odd), { maxLength: 5 });
const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 3, arbitrary: fc.constant('application/json') },
      fc.constantFrom(...TYPES),
    ),
    'content-encoding': fc.constantFrom('gzip', 'identity', 'identity', 'identity', 'br', 'x'),
    accept: fc.constantFrom('text/csv', 'application/json', '*/*;q=x', ''),
    'quipu-after': odd.map(visible),
    'coopr-userid': fc.constantFrom('admin', 'admin', 'ann', ''),
    'coopr-tenantid': fc.constantFrom('acme', 'acme', 'superadmin', ''),
  },
  { requiredKeys: [] },
);
const request = fc.record({ path, query, headers, body, caller: fc.nat(4) });

/** Percent-encodes text as a client would that does not care whether it is well-formed. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'));
}

/** What may stand in a header at all; the rest never leaves a client. */
function visible(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

let system: TestSystem;
let secrets: string[];

beforeAll(async () => {
  system = await startTestSystem({
    now: NOW,
    env: { QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0' },
    refusalMs: 1,
  });
  await system.tenants.create({ id: 'acme' });
  await system.tenants.create({ id: `id-${FOREIGN}`, name: `name-${FOREIGN}` });
  await system.principal(`id-${FOREIGN}`, `admin-${FOREIGN}`, 'admin');
  const job = (tenant: string, name: string): Parameters<TestSystem['report']>[0] => [
    {
      type: 'job.queued',
      tenant,
      subject: `job/${name}`,
      time: NOW - 9000,
      data: { queue: name, user: name, nodes: 3 },
    },
    { type: 'job.started', tenant, subject: `job/${name}`, time: NOW - 5000, data: { cluster: name } },
    { type: 'node.allocated', tenant, subject: `node/${name}/n`, time: NOW - 4000, data: { user: name } },
  ];
  const worker = (tenant: string, name: string): Parameters<TestSystem['report']>[0] =>
    ['worker.registered', 'worker.connected'].map((type) => ({
      ...{ type, tenant, subject: `worker/${name}`, time: NOW - 9000 },
      data: { pool: name, type: 'external' },
    }));
  await system.report([
    ...[...job('acme', 'f1'), ...job(`id-${FOREIGN}`, FOREIGN)],
    ...[...worker('acme', 'w1'), ...worker(`id-${FOREIGN}`, FOREIGN)],
    {
      ...{ type: 'job.started', tenant: `id-${FOREIGN}`, subject: `job/on-w1-${FOREIGN}`, time: NOW - 5000 },
      data: { queue: FOREIGN, worker: 'w1', workerTenant: 'acme' },
    },
  ]);
  const redis = createRedis(system.redisUrl, 'plain');
  const generations = new GenerationStore(redis);
  await generations.takeLease('fuzz', 60_000);
  const points = ['acme', `id-${FOREIGN}`].map((id) => ({
    ...{ id: `tenant/${id}`, metric: 'queued', type: 'gauge' as const, value: 1 },
  }));
  const generation = { timestamp: NOW / 1000, points, leftOut: 0, epoch: '' };
  expect(await generations.add('fuzz', generation, NOW / 1000)).toBe('stored');
  redis.disconnect();
  secrets = [
    '',
    'qk_wrong',
    await system.principal('acme', 'admin', 'admin'),
    await system.principal('acme', 'ann', 'user'),
    await system.principal('acme', 'agent', 'reporter'),
  ];
}, 60_000);

afterAll(() => system.stop(), 60_000);

it(
  'whatever is asked, the answer is no 5xx, no stack trace and nothing of another tenant; memory stays bounded',
  async () => {
    const { numRuns, seed } = runs(BATCHES);
    const before = process.memoryUsage().rss;
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: BATCH, maxLength: BATCH }), async (requests) => {
        await Promise.all(
          requests.map(
            async ({ path: [method, url], query: pairs, headers: given, body: payload, caller }) => {
              const search = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
              const secret = secrets[caller]!;
              const sent: InjectOptions = {
                method,
                url: search === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${search}`,
                headers: {
                  ...given,
                  'coopr-apikey': secret,
                  ...(secret === '' ? {} : { authorization: `Bearer ${secret}` }),
                },
                ...(payload === undefined ? {} : { payload: Buffer.from(payload, 'utf8') }),
              };
              const answer = await system.request(sent);
              statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
              const shown = `${method} ${url}?${search} → ${answer.statusCode} ${answer.body.slice(0, 300)}`;
              if (answer.statusCode >= 500) throw new Error(`5xx: ${shown}`);
              if (/\n\s+at .+:\d+:\d+|node_modules/.test(answer.body))
                throw new Error(`stack trace: ${shown}`);
              if (answer.body.includes(FOREIGN) || JSON.stringify(answer.headers).includes(FOREIGN)) {
                throw new Error(`foreign data: ${shown}`);
              }
            },
          ),
        );
      }),
      { numRuns, ...(seed === undefined ? {} : { seed }) },
    );
    const log = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    process.stderr.write(`fuzz: ${numRuns * BATCH} cases; ${log.join(', ')}\n`);
    expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BOUND);
    // A fuzz that only meets 404 and 401 proves little: answers and refusals of every kind must occur.
    for (const status of [200, 202, 400, 401, 403, 404, 415, 422])
      expect(statuses.get(status) ?? 0).toBeGreaterThan(0);
  },
  15 * 60_000,
);
