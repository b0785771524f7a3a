import { filterParameters } from '../openapi/filter-parameters.js';
import type { ApiContent, ApiFragment, ApiResponse } from '../openapi/fragment.js';
import { FRESHNESS, json, OPEN, parameterOf, queryParameter } from '../openapi/parts.js';

const BY_COOPR_HEADERS = [{ cooprUser: [], cooprTenant: [], cooprKey: [] }] as const;
const COUNT = { type: 'integer', minimum: 0 };

const text = (example: string): ApiContent => ({ 'text/plain': { schema: { type: 'string' }, example } });
const refusal = (description: string, example: string): ApiResponse => ({
  description,
  content: text(example),
});

const RETRY = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } as const;
const TOO_MANY = {
  429: { ...refusal('Asked too often.', 'Too many requests at once.'), headers: RETRY },
} as const;
const REFUSALS = {
  401: refusal(
    'Headers are missing, or do not belong together.',
    'Coopr-UserID, Coopr-ApiKey and Coopr-TenantID do not belong together.',
  ),
  503: {
    ...refusal('The database is away.', 'Unable to read data from the database'),
    headers: RETRY,
  },
  ...TOO_MANY,
} as const;

/** The Coopr dialect in the document. */
export const cooprApi: ApiFragment = {
  tags: [{ name: 'Coopr', description: 'The dialect of Coopr: for its clients. Refusals are plain text.' }],
  paths: {
    '/status': {
      get: {
        ...{ tags: ['Coopr'], operationId: 'cooprStatus', summary: 'The server answers', security: OPEN },
        responses: { 200: refusal('Always.', 'OK\n'), ...TOO_MANY },
      },
    },
    '/v2/metrics/queues': {
      get: {
        ...{ tags: ['Coopr'], operationId: 'cooprQueues', summary: 'Queue depth per tenant' },
        description: 'Keyed by tenant name; tenants without jobs are there with zeros. For admins.',
        security: BY_COOPR_HEADERS,
        parameters: [parameterOf('after')],
        responses: {
          200: {
            description: 'Depth, now.',
            headers: FRESHNESS,
            content: json(
              {
                type: 'object',
                additionalProperties: {
                  type: 'object',
                  properties: { queued: COUNT, inProgress: COUNT, total: COUNT },
                  required: ['queued', 'inProgress', 'total'],
                },
              },
              { acme: { queued: 2, inProgress: 1, total: 3 } },
            ),
          },
          403: refusal('Not an admin.', 'Forbidden to get queue metrics.'),
          ...REFUSALS,
        },
      },
    },
    '/v2/metrics/nodes/usage': {
      get: {
        ...{ tags: ['Coopr'], operationId: 'cooprNodeUsage', summary: 'Node usage' },
        description:
          'Unknown parameters are ignored, and the first value of a repeated one counts, as in the original.',
        security: BY_COOPR_HEADERS,
        parameters: [
          queryParameter('start', 'Unix seconds; default: the earliest interval.', 1_772_438_400, {
            type: 'integer',
          }),
          queryParameter('end', 'Unix seconds; default: now.', 1_772_452_800, { type: 'integer' }),
          queryParameter('tenant', 'Superadmins only: a tenant’s id, else its name.', 'acme'),
          ...filterParameters({ template: 'clustertemplate', hardware: 'hardwaretype', image: 'imagetype' }),
          queryParameter('groupby', 'Calendar buckets in UTC.', 'day', {
            ...{ type: 'string', enum: ['hour', 'day', 'week', 'month', 'year'] },
          }),
          queryParameter('timeunit', 'Unit of the values; upper or lower case.', 'hours', {
            type: 'string',
            default: 'seconds',
          }),
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'Node-time per bucket.',
            headers: { ...FRESHNESS, 'Quipu-Estimated': { $ref: '#/components/headers/QuipuEstimated' } },
            content: json(
              {
                type: 'object',
                properties: {
                  start: { type: 'integer' },
                  end: { type: 'integer' },
                  data: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { time: { type: 'integer' }, value: { type: 'number' } },
                      required: ['time', 'value'],
                    },
                  },
                },
                required: ['start', 'end', 'data'],
              },
              { start: 1_772_438_400, end: 1_772_452_800, data: [{ time: 1_772_438_400, value: 31_500 }] },
            ),
          },
          400: refusal('A parameter cannot be read.', 'Incorrect value for field groupby: decade'),
          403: refusal('Not an admin.', 'Forbidden to get node usage metrics.'),
          405: refusal(
            'A tenant’s admin gave the parameter `tenant`.',
            'Getting information about tenant globex not allowed for tenant acme',
          ),
          ...REFUSALS,
        },
      },
    },
  },
};
