import type { ApiFragment, ApiOperation, ApiResponse } from '../openapi/fragment.js';
import { json, OPEN } from '../openapi/parts.js';

const PROBES = {
  type: 'object',
  additionalProperties: {
    type: 'object',
    properties: { status: { type: 'string' }, reason: { type: 'string' } },
    required: ['status'],
  },
};
const HEALTH = {
  type: 'object',
  properties: { status: { type: 'string' }, info: PROBES, error: PROBES, details: PROBES },
  required: ['status', 'details'],
};

const answer = (description: string, status: string, details: object): ApiResponse => ({
  description,
  content: json(HEALTH, { status, info: {}, error: {}, details }),
});

const probe = (operationId: string, summary: string, description: string, more: object): ApiOperation => ({
  ...{ tags: ['Health'], operationId, summary, description, security: OPEN },
  responses: {
    200: answer('Well, or degraded with the reason.', 'ok', { postgres: { status: 'up' } }),
    ...more,
  },
});

const DOWN = {
  503: answer('Not ready, with the reason.', 'error', {
    postgres: { status: 'down', reason: 'Postgres does not answer.' },
  }),
};

/** `/health/*` in the document. */
export const healthApi: ApiFragment = {
  tags: [{ name: 'Health', description: 'What an orchestrator asks.' }],
  paths: {
    '/health/live': { get: probe('live', 'The process answers', 'Depends on nothing else.', {}) },
    '/health/startup': {
      get: probe('startup', 'Postgres is there and migrated', 'Before the first request.', DOWN),
    },
    '/health/ready': {
      get: probe(
        'ready',
        'Ready for requests',
        'Redis away, or a projection that lags or stands still, is `degraded` and still 200.',
        DOWN,
      ),
    },
  },
};
