import type { ApiContent, ApiFragment, ApiOperation, ApiResponse, JsonSchema } from '../openapi/fragment.js';
import { json, OPEN, problems, queryParameter, schemaOf } from '../openapi/parts.js';

const TEXT = '# HELP quipu_jobs Jobs by what they are doing now.\n# TYPE quipu_jobs gauge\n';
const text = { type: 'string' };
const exposition: ApiContent = {
  'text/plain': { schema: text, example: TEXT },
  'application/openmetrics-text': { schema: text, example: `${TEXT}# EOF\n` },
};
const FORMAT = queryParameter('format', 'Decides instead of `Accept`.', 'openmetrics', {
  ...{ type: 'string', enum: ['openmetrics', 'prometheus', 'text'] },
});

const refusal = (description: string, detail: string): ApiResponse => ({
  description,
  content: json({ type: 'object', properties: { detail: text }, required: ['detail'] }, { detail }),
});
const REFUSALS = {
  401: refusal('A key that is not valid; or none, where the public sees nothing.', 'Invalid token.'),
  403: refusal('A key that may not read metrics.', 'You do not have permission to perform this action.'),
  ...problems(429, 503),
} as const;

const count = { type: 'integer', minimum: 0 };
const rows = (...members: string[]): JsonSchema => ({
  type: 'object',
  additionalProperties: {
    ...{ type: 'object', required: members, additionalProperties: false },
    properties: Object.fromEntries(members.map((member) => [member, count])),
  },
});
const tasks = rows('pending', 'running');
const workers = rows('registered', 'connected', 'idle', 'busy');

const openMetrics: ApiOperation = {
  ...{ tags: ['Metrics'], operationId: 'debusineOpenMetrics', summary: 'Debusine’s metrics' },
  description:
    'With a key of a scraper or an admin, what it may see; without, what `QUIPU_PUBLIC_METRICS` says. A slash at the ' +
    'end makes no difference. `ETag` and `If-None-Match`, and gzip, are understood.',
  security: [{}, { scraper: [] }],
  parameters: [FORMAT],
  responses: {
    200: { description: 'The exposition.', content: exposition },
    406: refusal('Neither format is acceptable.', 'Could not satisfy the request Accept header.'),
    ...REFUSALS,
  },
};

const serviceStatus: ApiOperation = {
  ...{ tags: ['Metrics'], operationId: 'debusineServiceStatus', summary: 'Debusine’s service status' },
  description: 'What waits, runs and works. The key `null` is for tasks without an architecture.',
  security: [{}, { scraper: [] }],
  responses: {
    200: {
      description: 'The status, now.',
      content: json(
        {
          type: 'object',
          properties: {
            tasks,
            workers,
            worker_tasks: tasks,
            external_workers_arch: workers,
            external_workers_host_arch: workers,
            worker_tasks_arch: tasks,
          },
          required: ['tasks', 'workers', 'worker_tasks', 'external_workers_arch', 'worker_tasks_arch'],
        },
        {
          tasks: { Worker: { pending: 2, running: 1 } },
          workers: { external: { registered: 1, connected: 1, idle: 0, busy: 1 } },
          worker_tasks: { external: { pending: 2, running: 1 } },
          external_workers_arch: { amd64: { registered: 1, connected: 1, idle: 0, busy: 1 } },
          external_workers_host_arch: { amd64: { registered: 1, connected: 1, idle: 0, busy: 1 } },
          worker_tasks_arch: { amd64: { pending: 2, running: 1 } },
        },
      ),
    },
    ...REFUSALS,
  },
};

/** The scrapes in the document. */
export const metricsApi: ApiFragment = {
  tags: [{ name: 'Metrics', description: 'For Prometheus and what reads its formats.' }],
  paths: {
    '/metrics': {
      get: {
        ...{
          tags: ['Metrics'],
          operationId: 'metrics',
          summary: 'Metrics of hosts, of ours and of this process',
        },
        description:
          'Opens to `QUIPU_METRICS_TOKEN`, to keys of scrapers and admins (their scope), and to addresses in ' +
          '`QUIPU_METRICS_TRUSTED_CIDR`, as bearer tokens. Whoever is refused sees no such route.',
        security: OPEN,
        parameters: [FORMAT],
        responses: {
          200: { description: 'The exposition.', content: exposition },
          ...problems(404, 429, 503),
          406: {
            description: 'Neither format is acceptable.',
            content: {
              'application/problem+json': {
                schema: schemaOf('Problem'),
                example: {
                  type: 'about:blank',
                  title: 'Not acceptable',
                  status: 406,
                  detail: 'Neither is accepted.',
                },
              },
            },
          },
        },
      },
    },
    '/api/1.0/open-metrics': { get: openMetrics },
    '/api/1.0/service-status': { get: serviceStatus },
  },
};
