import type {
  ApiContent,
  ApiFragment,
  ApiOperation,
  ApiParameter,
  ApiPath,
  ApiResponse,
  JsonSchema,
} from '../openapi/fragment.js';
import { json, OPEN } from '../openapi/parts.js';
import { EXAMPLE_METRIC, EXAMPLE_POLICY, EXAMPLE_RESOURCE, EXAMPLE_RULE } from './openapi-examples.js';

const BY_NAME_AND_KEY = [{ gnocchi: [] }] as const;
const OBJECT: JsonSchema = { type: 'object' };
const OBJECTS: JsonSchema = { type: 'array', items: OBJECT };
const MEASURES: JsonSchema = {
  type: 'array',
  items: {
    type: 'object',
    properties: { timestamp: { type: ['string', 'number'] }, value: { type: ['string', 'number'] } },
    required: ['timestamp', 'value'],
  },
};
const ROWS: JsonSchema = { type: 'array', items: { type: 'array', minItems: 3, maxItems: 3 } };
const NOTHING = json({ type: 'string', maxLength: 0 }, '');
const EXAMPLE_MEASURES = [{ timestamp: '2015-03-06T14:33:57', value: 43.1 }];
const EXAMPLE_ROWS = [['2015-03-06T14:33:57+00:00', 1, 43.1]];
const ID = '4c964d57-9d67-4c49-bc61-d48d15b705c6';

const refusal = (description: string, code: number, title: string, told: unknown): ApiResponse => ({
  description,
  content: json(
    {
      type: 'object',
      properties: { code: { type: 'integer' }, title: { type: 'string' }, description: {} },
      required: ['code', 'title', 'description'],
    },
    { code, title, description: told },
  ),
});

const TOO_MANY = {
  429: {
    ...refusal(
      'Asked too often; or measures of this tenant have taken their share of the queue.',
      429,
      'Too Many Requests',
      'Too many requests at once.',
    ),
    headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
  },
} as const;
const REFUSALS = {
  400: refusal('Something is wrong with the request; one thing is named.', 400, 'Bad Request', {
    cause: 'Invalid input',
    reason: "required key not provided @ data['name']",
    detail: ['name'],
  }),
  401: refusal('Not the name and the key of one principal.', 401, 'Unauthorized', ''),
  403: refusal('Somebody else of the same tenant made it, or only admins may.', 403, 'Forbidden', ''),
  404: refusal('There is none, for this caller.', 404, 'Not Found', `Metric ${ID} does not exist`),
  ...TOO_MANY,
  503: refusal('A store is away.', 503, 'Service Unavailable', 'The database does not answer'),
} as const;

const PATH: Readonly<Record<string, [string, string]>> = {
  id: ['Id of the metric, or of the resource as its creator calls it.', ID],
  name: ['The name.', 'cpu'],
  type: ['Type of the resource; there is `generic`.', 'generic'],
};

const text = (name: string, description: string, example: string): ApiParameter => ({
  ...{ name, in: 'query', description, schema: { type: 'string' }, example },
});
const PAGE = [
  text('limit', 'Most rows; at most 1000.', '100'),
  text('marker', 'Id of the row after which the page begins.', ID),
  text('sort', '`key[:asc|desc[-nullsfirst|-nullslast]]`; may be given several times.', 'name:desc'),
];
const READING = [
  text('start', 'Time at which to begin; it counts.', '2015-03-06T14:00'),
  text('stop', 'Time at which to end; it does not count.', '2015-03-07'),
  text('aggregation', 'The method; `mean` if absent.', 'max'),
  text('granularity', 'One granularity; all if absent.', '60'),
  text('resample', 'Wider groups: a span, or Y, H, Q, M, W.', '5 minutes'),
  text('refresh', 'Aggregate first what waits.', 'true'),
];
const ACROSS = [
  text('reaggregation', 'How values of several metrics become one.', 'sum'),
  text('needed_overlap', 'Percentage of instants that all must have.', '50'),
  text('fill', 'What stands where a metric has no value.', '0'),
];

interface Described {
  readonly summary: string;
  readonly operationId: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly answer?: ApiContent;
  readonly body?: ApiContent;
  readonly query?: readonly ApiParameter[];
  readonly isOpen?: boolean;
}

function operation(path: string, given: Described): ApiOperation {
  const { summary, operationId, status, answer = NOTHING, body, query = [], isOpen = false } = given;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]): ApiParameter => {
    const [description, example] = PATH[name!]!;
    return { name: name!, in: 'path', required: true, description, schema: { type: 'string' }, example };
  });
  const parameters = [...inPath, ...query];
  return {
    ...{ tags: ['Gnocchi'], operationId, summary, security: isOpen ? OPEN : BY_NAME_AND_KEY },
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, description: 'JSON.', content: body } }),
    responses: { [status]: { description: summary, content: answer }, ...(isOpen ? TOO_MANY : REFUSALS) },
  };
}

const list = (example: unknown): ApiContent => json(OBJECTS, [example]);
const one = (example: unknown): ApiContent => json(OBJECT, example);
const rows = json(ROWS, EXAMPLE_ROWS);
const measures = json(MEASURES, EXAMPLE_MEASURES);
const batch = (example: unknown): ApiContent => json(OBJECT, example);

const OPERATIONS: Readonly<Record<string, Readonly<Partial<Record<keyof ApiPath, Described>>>>> = {
  '/healthcheck': {
    get: {
      ...{ operationId: 'gnocchiHealth', summary: 'The server answers', status: 200, isOpen: true },
      answer: { 'text/plain': { schema: { type: 'string' }, example: '' } },
    },
  },
  '/v1/': {
    get: {
      ...{ operationId: 'gnocchiVersion', summary: 'What there is', status: 200, isOpen: true },
      answer: one({ version: '1.0', links: [{ rel: 'self', href: '/v1' }] }),
    },
  },
  '/v1/capabilities': {
    get: {
      ...{ operationId: 'gnocchiCapabilities', summary: 'Methods of aggregation', status: 200, isOpen: true },
      answer: one({ aggregation_methods: ['mean', 'rate:mean'] }),
    },
  },
  '/v1/status': {
    get: {
      ...{ operationId: 'gnocchiStatus', summary: 'What waits to be aggregated; for admins', status: 200 },
      answer: one({
        storage: { summary: { metrics: 0, measures: 0 } },
        metricd: { processors: null, statistics: {} },
      }),
      query: [text('details', 'Also by metric; true if absent.', 'false')],
    },
  },
  '/v1/archive_policy': {
    get: {
      operationId: 'gnocchiPolicies',
      summary: 'All archive policies',
      status: 200,
      answer: list(EXAMPLE_POLICY),
    },
    post: {
      ...{ operationId: 'gnocchiCreatePolicy', summary: 'A new archive policy; for admins', status: 201 },
      ...{
        body: one({ name: 'ground', definition: [{ granularity: '1s', points: 60 }] }),
        answer: one(EXAMPLE_POLICY),
      },
    },
  },
  '/v1/archive_policy/{name}': {
    get: {
      operationId: 'gnocchiPolicy',
      summary: 'An archive policy',
      status: 200,
      answer: one(EXAMPLE_POLICY),
    },
    patch: {
      ...{
        operationId: 'gnocchiChangePolicy',
        summary: 'Other lengths of a policy; for admins',
        status: 200,
      },
      ...{ body: one({ definition: [{ granularity: '1s', points: 120 }] }), answer: one(EXAMPLE_POLICY) },
    },
    delete: { operationId: 'gnocchiDeletePolicy', summary: 'Removes a policy; for admins', status: 204 },
  },
  '/v1/archive_policy_rule': {
    get: {
      operationId: 'gnocchiRules',
      summary: 'All rules, as they are tried',
      status: 200,
      answer: list(EXAMPLE_RULE),
    },
    post: {
      ...{ operationId: 'gnocchiCreateRule', summary: 'A new rule; for admins', status: 201 },
      ...{ body: one(EXAMPLE_RULE), answer: one(EXAMPLE_RULE) },
    },
  },
  '/v1/archive_policy_rule/{name}': {
    get: { operationId: 'gnocchiRule', summary: 'A rule', status: 200, answer: one(EXAMPLE_RULE) },
    patch: {
      ...{ operationId: 'gnocchiRenameRule', summary: 'Another name of a rule; for admins', status: 200 },
      ...{ body: one({ name: 'disks' }), answer: one(EXAMPLE_RULE) },
    },
    delete: { operationId: 'gnocchiDeleteRule', summary: 'Removes a rule; for admins', status: 204 },
  },
  '/v1/metric': {
    get: {
      ...{
        operationId: 'gnocchiMetrics',
        summary: 'Metrics of the tenant',
        status: 200,
        answer: list(EXAMPLE_METRIC),
      },
      query: [text('name', 'Exact; so are id, unit, creator, archive_policy_name.', 'cpu'), ...PAGE],
    },
    post: {
      ...{
        operationId: 'gnocchiCreateMetric',
        summary: 'A new metric',
        status: 201,
        answer: one(EXAMPLE_METRIC),
      },
      body: one({ name: 'cpu', archive_policy_name: 'high', unit: '%' }),
    },
  },
  '/v1/metric/{id}': {
    get: { operationId: 'gnocchiMetric', summary: 'A metric', status: 200, answer: one(EXAMPLE_METRIC) },
    delete: { operationId: 'gnocchiDeleteMetric', summary: 'Removes a metric and its measures', status: 204 },
  },
  '/v1/metric/{id}/measures': {
    get: {
      operationId: 'gnocchiMeasures',
      summary: 'Measures, aggregated',
      status: 200,
      answer: rows,
      query: READING,
    },
    post: { operationId: 'gnocchiPostMeasures', summary: 'More measures', status: 202, body: measures },
  },
  '/v1/batch/metrics/measures': {
    post: {
      ...{ operationId: 'gnocchiBatch', summary: 'More measures of several metrics', status: 202 },
      body: batch({ [ID]: EXAMPLE_MEASURES }),
    },
  },
  '/v1/batch/resources/metrics/measures': {
    post: {
      ...{ operationId: 'gnocchiResourceBatch', summary: 'More measures by resource and name', status: 202 },
      body: batch({ 'server-1': { cpu: EXAMPLE_MEASURES } }),
      query: [text('create_metrics', 'Make the metrics that are missing.', 'true')],
    },
  },
  '/v1/aggregation/metric': {
    get: {
      ...{
        operationId: 'gnocchiAcross',
        summary: 'Measures of several metrics as one',
        status: 200,
        answer: rows,
      },
      query: [text('metric', 'Id; given once for each metric.', ID), ...READING, ...ACROSS],
    },
    post: {
      ...{
        operationId: 'gnocchiPostAcross',
        summary: 'The same, ids in the body',
        status: 200,
        answer: rows,
      },
      ...{ body: json({ type: 'array', items: { type: 'string' } }, [ID]), query: [...READING, ...ACROSS] },
    },
  },
  '/v1/resource': {
    get: {
      ...{ operationId: 'gnocchiTypes', summary: 'Types of resources', status: 200, isOpen: true },
      answer: one({ generic: '/v1/resource/generic' }),
    },
  },
  '/v1/resource/{type}': {
    get: {
      ...{ operationId: 'gnocchiResources', summary: 'Resources of the tenant', status: 200 },
      ...{
        answer: list(EXAMPLE_RESOURCE),
        query: [text('attrs', 'A member to show; all if absent.', 'id'), ...PAGE],
      },
    },
    post: {
      ...{
        operationId: 'gnocchiCreateResource',
        summary: 'A new resource',
        status: 201,
        answer: one(EXAMPLE_RESOURCE),
      },
      body: one({ id: 'server-1', metrics: { cpu: { archive_policy_name: 'high' } } }),
    },
  },
  '/v1/resource/{type}/{id}': {
    get: {
      operationId: 'gnocchiResource',
      summary: 'A resource',
      status: 200,
      answer: one(EXAMPLE_RESOURCE),
    },
    delete: {
      operationId: 'gnocchiDeleteResource',
      summary: 'Removes a resource and its metrics',
      status: 204,
    },
  },
  '/v1/resource/{type}/{id}/metric': {
    get: {
      operationId: 'gnocchiNamedMetrics',
      summary: 'Metrics of a resource',
      status: 200,
      answer: list(EXAMPLE_METRIC),
    },
    post: {
      ...{ operationId: 'gnocchiAddMetrics', summary: 'More metrics of a resource', status: 200 },
      ...{ body: one({ memory: { unit: 'MB' } }), answer: list(EXAMPLE_METRIC) },
    },
  },
  '/v1/resource/{type}/{id}/metric/{name}': {
    get: {
      operationId: 'gnocchiNamedMetric',
      summary: 'A metric by name',
      status: 200,
      answer: one(EXAMPLE_METRIC),
    },
    delete: { operationId: 'gnocchiDeleteNamed', summary: 'Removes a metric by name', status: 204 },
  },
  '/v1/resource/{type}/{id}/metric/{name}/measures': {
    get: {
      operationId: 'gnocchiNamedMeasures',
      summary: 'Measures by name',
      status: 200,
      answer: rows,
      query: READING,
    },
    post: { operationId: 'gnocchiPostNamed', summary: 'More measures by name', status: 202, body: measures },
  },
};

/** The Gnocchi dialect in the document, as far as it is served. */
export const gnocchiApi: ApiFragment = {
  tags: [
    {
      name: 'Gnocchi',
      description:
        'The dialect of Gnocchi: time series under archive policies. Refusals have the form that is accepted.',
    },
  ],
  paths: Object.fromEntries(
    Object.entries(OPERATIONS).map(([path, methods]) => [
      path,
      Object.fromEntries(
        Object.entries(methods).map(([method, described]) => [method, operation(path, described)]),
      ),
    ]),
  ),
};
