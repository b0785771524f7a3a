import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GNOCCHI_ROUTES } from '../../apps/api/src/gnocchi/gnocchi-routes.js';
import { type GnocchiRequest, type GnocchiSystem, startGnocchiSystem } from './support/gnocchi-system.js';

const NOW = Date.UTC(2026, 2, 2, 12);
const UNKNOWN = 'cee6ef1f-52cc-4a16-bbb5-648aedfd1c37';
const GROUND = { name: 'ground', definition: [{ granularity: '1s', points: 60 }] };

/** What an answer is compared with; `description` is that of the JSON form. */
interface Expected {
  readonly status: number;
  readonly body?: unknown;
  readonly description?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

const invalid = (reason: string, ...detail: string[]): Expected => ({
  status: 400,
  description: { cause: 'Invalid input', reason, detail },
});
const plain = { accept: 'text/plain' };
const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const metric = (body: unknown, more: Partial<GnocchiRequest> = {}): GnocchiRequest => ({
  method: 'POST',
  path: '/v1/metric',
  body,
  ...more,
});

/** Statements about single requests, asked with names that are trusted. */
const STATEMENTS: readonly [string, GnocchiRequest, Expected][] = [
  [
    'the version has a slash',
    { path: '/v1' },
    { status: 302, headers: { location: 'http://localhost:80/v1/' } },
  ],
  ['health needs nobody', { path: '/healthcheck', as: null }, { status: 200, text: '' }],
  ['a list needs somebody', { path: '/v1/metric', as: null }, { status: 401, description: '' }],
  [
    'credentials that are none are nobody',
    { path: '/v1/metric', as: null, headers: { authorization: 'Basic §' } },
    { status: 401, description: '' },
  ],
  [
    'another scheme is nobody',
    { path: '/v1/metric', as: null, headers: { authorization: 'Bearer x' } },
    { status: 401 },
  ],
  ['there is no such path', { path: '/v1/foo' }, { status: 404, description: null }],
  ['nor this one', { path: '/v1/metric/x/y/z' }, { status: 404, description: null }],
  [
    'a method that is not served names those that are',
    { method: 'PUT', path: '/v1/metric' },
    { status: 405, headers: { allow: 'GET, POST' }, description: '' },
  ],
  ['HEAD is not served', { method: 'HEAD', path: '/v1/metric' }, { status: 405 }],
  ['OPTIONS is', { method: 'OPTIONS', path: '/v1/metric', as: null }, { status: 200, text: '' }],
  ['slashes say nothing', { path: '//v1//archive_policy///ground/' }, { status: 200 }],
  [
    'answers are JSON only',
    { path: '/v1/archive_policy', headers: plain },
    {
      status: 406,
      text: '406 Not Acceptable\n\nThe resource could not be generated that was acceptable to your browser (content of type text/plain. \n\n   ',
    },
  ],
  [
    'JSON with a weight is JSON',
    { path: '/v1/archive_policy_rule', headers: { accept: 'text/csv, application/json;q=0.2' } },
    { status: 200, headers: { 'content-type': 'application/json' } },
  ],
  [
    'a refusal as text',
    { path: `/v1/metric/${UNKNOWN}`, headers: { accept: '' } },
    {
      status: 404,
      text: `404 Not Found\n\nThe resource could not be found.\n\n Metric ${UNKNOWN} does not exist  `,
    },
  ],
  [
    'a refusal as a page, escaped',
    { path: '/v1/archive_policy/<b>', headers: html },
    {
      status: 404,
      text: '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  The resource could not be found.<br /><br />\nArchive policy &lt;b&gt; does not exist\n\n\n </body>\n</html>',
    },
  ],
  [
    'an object as Python shows it',
    metric({ name: 5 }, { headers: { accept: '' } }),
    {
      status: 400,
      text: "400 Bad Request\n\nThe server could not comply with the request since it is either malformed or otherwise incorrect.\n\n {'cause': 'Invalid input', 'reason': \"expected str for dictionary value @ data['name']\", 'detail': ['name']}  ",
    },
  ],
  [
    'a body of another type',
    metric('{}', { headers: { 'content-type': 'text/plain' } }),
    { status: 415, description: '' },
  ],
  [
    'a type with parameters',
    metric(
      { archive_policy_name: 'ground' },
      { headers: { 'content-type': 'application/json; charset=utf-8' } },
    ),
    { status: 201 },
  ],
  [
    'an empty body',
    metric('', { headers: { 'content-type': 'application/json' } }),
    {
      status: 400,
      description: { cause: 'Unable to decode body', reason: 'Expected object or value', detail: [] },
    },
  ],
  ['a list where an object is wanted', metric([]), invalid('expected a dictionary')],
  [
    'a member that is none',
    metric({ ['__proto__x']: 1 }),
    invalid("extra keys not allowed @ data['__proto__x']", '__proto__x'),
  ],
  [
    'a NUL in a name',
    metric({ name: 'a\0b' }),
    invalid("not a valid value for dictionary value @ data['name']", 'name'),
  ],
  [
    'half a character in a name',
    metric('{"name":"\\ud800"}'),
    invalid("not a valid value for dictionary value @ data['name']", 'name'),
  ],
  [
    'a unit that is long',
    metric({ unit: 'u'.repeat(32) }),
    invalid("length of value must be at most 31 for dictionary value @ data['unit']", 'unit'),
  ],
  [
    'a resource needs a name for its metric',
    metric({ resource_id: 'x', archive_policy_name: 'ground' }),
    {
      status: 400,
      description: {
        cause: 'Attribute value error',
        detail: 'name',
        reason: 'Name cannot be null if resource_id is not null',
      },
    },
  ],
  [
    'a resource that is not there is not found',
    metric({ name: 'x', resource_id: UNKNOWN, archive_policy_name: 'ground' }),
    { status: 404, description: `Resource ${UNKNOWN} does not exist` },
  ],
  [
    'no rule, no policy',
    metric({ name: 'none' }),
    {
      status: 400,
      description:
        'No archive policy name specified and no archive policy rule found matching the metric name none',
    },
  ],
  ['a body that is large', metric({ name: 'x'.repeat(300_000) }), { status: 413 }],
  [
    'a granularity too fine',
    { method: 'POST', path: '/v1/archive_policy', body: { name: 'f', definition: [{ granularity: 1e-6 }] } },
    { status: 400, description: 'Granularity should be >= 10 microseconds' },
  ],
  [
    'a span too long',
    {
      method: 'POST',
      path: '/v1/archive_policy',
      body: { name: 'f', definition: [{ granularity: '1 day', points: 999_999_999 }] },
    },
    { status: 400, description: 'Timespan must be shorter than 292 years' },
  ],
  ['an id that is none finds nothing', { path: '/v1/metric?id=foo' }, { status: 200, body: [] }],
  [
    'a marker that is none',
    { path: '/v1/metric?marker=foo' },
    { status: 400, description: "Invalid pagination: `Invalid marker: `foo''" },
  ],
  [
    'a marker that is gone',
    { path: `/v1/metric?marker=${UNKNOWN}` },
    { status: 400, description: `Invalid pagination: \`Invalid marker: \`${UNKNOWN}''` },
  ],
  ['deleted metrics are gone', { path: '/v1/metric?status=delete' }, { status: 200, body: [] }],
  ['a NUL in a query', { path: '/v1/metric?name=%00' }, { status: 400 }],
  ['a path that is not UTF-8', { path: '/v1/archive_policy/%ff' }, { status: 400 }],
  [
    'aggregation by nothing',
    { path: `/v1/aggregation/metric?metric=${UNKNOWN}&reaggregation=foo` },
    { status: 404 },
  ],
  [
    'a policy that no path could name',
    { method: 'POST', path: '/v1/archive_policy', body: { ...GROUND, name: 'a/b' } },
    { status: 400 },
  ],
  [
    'a rule that no path could name',
    {
      method: 'POST',
      path: '/v1/archive_policy_rule',
      body: { name: 'a/b', metric_pattern: 'disk/*', archive_policy_name: 'ground' },
    },
    { status: 400 },
  ],
  [
    'a rule for names with slashes',
    {
      method: 'POST',
      path: '/v1/archive_policy_rule',
      body: { name: 'slashes', metric_pattern: 'disk/*', archive_policy_name: 'ground' },
    },
    { status: 201 },
  ],
  ['no metrics, no measures', { path: '/v1/aggregation/metric' }, { status: 200, body: [] }],
];

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

  it.each(STATEMENTS)('%s', async (_, request, expected) => {
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
