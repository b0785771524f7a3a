import { DIMENSIONS, USAGE_LEVELS } from '@quipu/read-models';
import type { ApiFragment } from '../openapi/fragment.js';
import { filterParameters } from '../openapi/filter-parameters.js';
import {
  BY_KEY,
  csv,
  DECIMAL,
  FRESHNESS,
  INSTANT,
  INSTANT_OR_NULL,
  json,
  LINK,
  object,
  page,
  PAGED,
  parameterOf,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';
import { USAGE_BUCKETS } from './usage-parameters.js';

const NAME_OR_NULL = { type: ['string', 'null'] };
const SPAN = { start: '2026-03-01T00:00:00.000Z', end: '2026-03-02T00:00:00.000Z' };

/** `GET /api/usage` in the document. */
export const usageApi: ApiFragment = {
  tags: [{ name: 'Numbers', description: 'What was used, what waits and what runs.' }],
  schemas: {
    UsageRow: object(
      {
        start: INSTANT,
        end: INSTANT,
        ...Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, NAME_OR_NULL])),
        value: { ...DECIMAL, description: 'Seconds, exact to the millisecond.' },
        estimated: {
          ...{ type: 'boolean' },
          description: 'Some of them come from intervals whose end nobody told: it is an estimate.',
        },
        estimatedValue: { ...DECIMAL, description: 'How many of them.' },
      },
      DIMENSIONS,
    ),
  },
  paths: {
    '/api/usage': {
      get: {
        tags: ['Numbers'],
        operationId: 'usage',
        summary: 'Usage: a level summed over time',
        description:
          'Nodes held give node-seconds, jobs waiting or running give job-seconds; exact, and what is alive accrues up ' +
          'to now. Superadmins see every tenant, admins their own, users themselves. Buckets are UTC, weeks begin on ' +
          'Monday, the first and the last bucket are cut at the window. The first page decides what "now" is for all ' +
          'that follow.',
        security: BY_KEY,
        parameters: [
          queryParameter('level', 'What is summed over time.', 'nodes', {
            ...{ type: 'string', enum: USAGE_LEVELS, default: 'nodes' },
          }),
          queryParameter(
            'by',
            `Group by some of ${DIMENSIONS.join(', ')}; separated by commas.`,
            'tenant,user',
          ),
          parameterOf('start'),
          parameterOf('end'),
          queryParameter('bucket', 'Split the window at calendar boundaries.', 'day', {
            ...{ type: 'string', enum: USAGE_BUCKETS },
          }),
          parameterOf('asOf'),
          parameterOf('tenant'),
          ...filterParameters(),
          ...PAGED,
          parameterOf('after'),
        ],
        responses: {
          200: {
            description:
              'One page, ordered by bucket and group; groups stand in the buckets they have usage in.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(
                page(schemaOf('UsageRow'), {
                  level: { type: 'string', enum: USAGE_LEVELS },
                  unit: { type: 'string', enum: ['node-seconds', 'job-seconds'] },
                  start: { ...INSTANT_OR_NULL, description: 'Null if nothing was ever used.' },
                  end: INSTANT,
                  asOf: INSTANT,
                  by: { type: 'array', items: { type: 'string', enum: DIMENSIONS } },
                  bucket: { type: ['string', 'null'], enum: [...USAGE_BUCKETS, null] },
                  total: { ...DECIMAL, description: 'Of all pages.' },
                  estimated: { type: 'boolean', description: 'Some of the total is an estimate.' },
                  estimatedTotal: { ...DECIMAL, description: 'How much of it.' },
                }),
                {
                  ...{ level: 'nodes', unit: 'node-seconds', ...SPAN, asOf: '2026-03-02T12:00:00.000Z' },
                  ...{ by: ['user'], bucket: null, total: '20700', estimated: false, estimatedTotal: '0' },
                  data: [{ ...SPAN, user: 'ann', value: '20700', estimated: false, estimatedValue: '0' }],
                  next: null,
                },
              ),
              ...csv(
                `start,end,user,value,estimated,estimatedValue\r\n${SPAN.start},${SPAN.end},ann,20700,false,0\r\n`,
              ),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
  },
};
