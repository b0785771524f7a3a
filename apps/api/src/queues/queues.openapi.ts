import type { ApiFragment } from '../openapi/fragment.js';
import {
  BY_KEY,
  csv,
  FRESHNESS,
  INSTANT,
  json,
  LINK,
  object,
  page,
  parameterOf,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';

const COUNT = { type: 'integer', minimum: 0 };

/** `GET /api/queues` in the document. */
export const queuesApi: ApiFragment = {
  tags: [],
  schemas: {
    QueueDepth: object({
      tenant: { type: 'string' },
      queue: { type: 'string', description: 'Empty for jobs that named none.' },
      queued: { ...COUNT, description: 'Waiting, due, unblocked, held by nobody.' },
      delayed: { ...COUNT, description: 'Waiting, but not due yet.' },
      blocked: COUNT,
      inProgress: { ...COUNT, description: 'Assigned or started, not ended.' },
      oldestWaitingMs: {
        ...{ type: ['integer', 'null'] },
        description: 'Age of the oldest queued job; null when none is queued.',
      },
    }),
  },
  paths: {
    '/api/queues': {
      get: {
        tags: ['Numbers'],
        operationId: 'queues',
        summary: 'Queue depth: how many jobs wait and run, now',
        description:
          'Per tenant and queue; queues without jobs have no row. Each page stands at its own instant, unless `asOf` names one. For admins.',
        security: BY_KEY,
        parameters: [
          parameterOf('tenant'),
          queryParameter('queue', 'Only this queue.', 'builds'),
          parameterOf('asOf'),
          parameterOf('limit'),
          parameterOf('cursor'),
          parameterOf('format'),
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'One page, ordered by tenant and queue.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(page(schemaOf('QueueDepth'), { asOf: INSTANT }), {
                asOf: '2026-03-02T12:00:00.000Z',
                data: [
                  {
                    ...{ tenant: 'acme', queue: 'builds', queued: 2, delayed: 1, blocked: 0, inProgress: 1 },
                    oldestWaitingMs: 3_000_000,
                  },
                ],
                next: null,
              }),
              ...csv(
                'tenant,queue,queued,delayed,blocked,inProgress,oldestWaitingMs\r\nacme,builds,2,1,0,1,3000000\r\n',
              ),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
  },
};
