import type { GnocchiRequest } from './gnocchi-system.js';

/** An id that no metric has. */
export const UNKNOWN = 'cee6ef1f-52cc-4a16-bbb5-648aedfd1c37';
/** A policy that there is. */
export const GROUND = { name: 'ground', definition: [{ granularity: '1s', points: 60 }] };

/** What an answer is compared with; `description` is that of the JSON form. */
export interface Expected {
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
/** A new metric. */
export const metric = (body: unknown, more: Partial<GnocchiRequest> = {}): GnocchiRequest => ({
  method: 'POST',
  path: '/v1/metric',
  body,
  ...more,
});

/** Statements about single requests, asked with names that are trusted. */
export const GNOCCHI_STATEMENTS: readonly [string, GnocchiRequest, Expected][] = [
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
  [
    'a body that is no UTF-8',
    metric(Buffer.from('{"name":"\xe9","archive_policy_name":"ground"}', 'latin1')),
    {
      status: 400,
      description: { cause: 'Unable to decode body', reason: 'The body is no UTF-8', detail: [] },
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
  ['an empty id is none', { path: '/v1/aggregation/metric?metric=' }, { status: 200, body: [] }],
  [
    'what is not there is not found, whatever form the client takes',
    { path: `/v1/metric/${UNKNOWN}/measures`, headers: plain },
    {
      status: 404,
      text: `404 Not Found\n\nThe resource could not be found.\n\n Metric ${UNKNOWN} does not exist  `,
    },
  ],
  [
    'nor by a method that is not served',
    { method: 'PUT', path: '/v1/archive_policy_rule/none' },
    { status: 404, description: 'Archive policy rule none does not exist' },
  ],
  [
    'nor a type of resources',
    { method: 'PUT', path: '/v1/resource/none' },
    { status: 404, description: 'Resource type none does not exist' },
  ],
  [
    'a type that is there does not take every method',
    { method: 'PUT', path: '/v1/resource/generic' },
    { status: 405, description: '' },
  ],
  [
    'a page about a method has its own end',
    { method: 'PUT', path: '/v1/metric', headers: html },
    {
      status: 405,
      text: '<html>\n <head>\n  <title>405 Method Not Allowed</title>\n </head>\n <body>\n  <h1>405 Method Not Allowed</h1>\n  The method PUT is not allowed for this resource. <br /><br />\n\n </body>\n</html>',
    },
  ],
  [
    'a page about a type, too',
    metric('{}', { headers: { 'content-type': 'text/xml', accept: '*/*' } }),
    {
      status: 415,
      text: '<html>\n <head>\n  <title>415 Unsupported Media Type</title>\n </head>\n <body>\n  <h1>415 Unsupported Media Type</h1>\n  The request media type text/xml is not supported by this server.\n<br /><br />\n\n </body>\n</html>',
    },
  ],
  [
    'a filter given twice',
    { path: '/v1/metric?name=a&name=b' },
    { status: 400, description: "Invalid input: expected str for dictionary value @ data['name']" },
  ],
  [
    'a state given twice',
    { path: '/v1/metric?status=active&status=active' },
    { status: 400, description: "Invalid input: not a valid value for dictionary value @ data['status']" },
  ],
  ...(['limit', 'marker'] as const).map((name): [string, GnocchiRequest, Expected] => [
    `a ${name} given twice`,
    { path: `/v1/metric?${name}=1&${name}=2` },
    {
      status: 400,
      description: {
        cause: 'Argument value error',
        reason: `expected ${name === 'limit' ? 'int' : 'str'} for dictionary value @ data['${name}']`,
      },
    },
  ]),
  [
    'a time given twice',
    { path: '/v1/aggregation/metric?start=1&start=2' },
    {
      status: 400,
      description: { cause: 'Argument value error', detail: 'start', reason: 'May be given only once' },
    },
  ],
  ['an empty order is none', { path: '/v1/metric?sort=&name=none' }, { status: 200, body: [] }],
  ['an empty direction is upwards', { path: '/v1/metric?sort=name:&name=none' }, { status: 200, body: [] }],
  [
    'a place is percent-encoded',
    { method: 'POST', path: '/v1/archive_policy', body: { ...GROUND, name: "é'(!)*~" } },
    {
      status: 201,
      headers: { location: 'http://localhost:80/v1/archive_policy/%C3%A9%27%28%21%29%2A~' },
    },
  ],
];
