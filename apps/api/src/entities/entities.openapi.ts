import type { ApiFragment, ApiOperation } from '../openapi/fragment.js';
import {
  BY_KEY,
  FRESHNESS,
  INSTANT,
  INSTANT_OR_NULL,
  json,
  object,
  parameterOf,
  pathParameter,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';
import { PLACE } from '../why/why.openapi.js';

const EXAMPLE = {
  ...{
    entity: 'node/c1/n1',
    kind: 'node',
    tenant: 'acme',
    status: 'allocated',
    estimated: false,
    fields: { user: 'ann', cluster: 'c1' },
  },
  intervals: [
    {
      ...{ level: 'nodes', life: '', start: '2026-03-01T08:00:00.000Z', end: null, estimated: false },
      fields: { user: 'ann', cluster: 'c1' },
    },
  ],
  events: [
    {
      ...{ type: 'node.allocated', time: '2026-03-01T08:00:00.000Z', recorded: '2026-03-01T08:00:00.125Z' },
      ...{ source: 'acme/farm', id: '17', dataversion: 1, data: { user: 'ann' } },
      token: 'mLmlV0pXb0w1Zq9m3jJc1A',
    },
  ],
  next: null,
};

const entity = (kind: 'job' | 'node', example: string): ApiOperation => ({
  ...{ tags: ['Reasons'], operationId: kind, summary: `One ${kind}: its state, intervals and events` },
  description: `What became of it, and the events that say so, in the order of the log. One that the caller may not see is 404.`,
  security: BY_KEY,
  parameters: [
    pathParameter('id', `Its subject without \`${kind}/\`, URL-encoded.`, example),
    queryParameter(
      'tenant',
      'Whose it is: id, else name; default: the caller’s. Superadmins must say.',
      'acme',
    ),
    parameterOf('limit'),
    parameterOf('cursor'),
    parameterOf('after'),
  ],
  responses: {
    200: {
      description: 'The entity and one page of its events.',
      headers: FRESHNESS,
      content: json(schemaOf('Entity'), EXAMPLE),
    },
    ...problems(400, 401, 403, 404, 429, 503),
  },
});

/** `/api/jobs/{id}` and `/api/nodes/{id}` in the document. */
export const entitiesApi: ApiFragment = {
  tags: [],
  schemas: {
    Entity: object(
      {
        entity: { type: 'string' },
        kind: { type: 'string', enum: ['job', 'node'] },
        tenant: { type: 'string' },
        status: { type: ['string', 'null'] },
        estimated: {
          ...{ type: 'boolean' },
          description:
            'Nobody told the status: the job counts as aborted since its worker was last heard of.',
        },
        fields: { type: 'object' },
        intervals: { type: 'array', items: schemaOf('EntityInterval') },
        intervalsOmitted: { type: 'integer', description: 'How many more there are.' },
        events: { type: 'array', items: schemaOf('EntityEvent') },
        next: { type: ['string', 'null'], description: 'Cursor of the next events; null on the last page.' },
      },
      ['intervalsOmitted'],
    ),
    EntityInterval: object({
      level: { type: 'string', enum: ['nodes', 'waiting', 'running'] },
      life: { type: ['string', 'integer', 'null'] },
      start: INSTANT,
      end: INSTANT_OR_NULL,
      estimated: { type: 'boolean', description: 'Its end was not reported, but follows from later events.' },
      fields: { type: 'object' },
    }),
    EntityEvent: object(
      {
        ...{ type: { type: 'string' }, time: INSTANT, recorded: INSTANT_OR_NULL },
        ...{ source: { type: 'string' }, id: { type: 'string' }, sequence: { type: 'string' } },
        dataversion: {
          type: 'integer',
          minimum: 1,
          description: 'Which version `data` is of: docs/events.md.',
        },
        data: { type: 'object' },
        skipped: { type: 'boolean', description: 'An operator told the ledger to leave it out.' },
        ...PLACE,
      },
      ['sequence', 'skipped', 'position', 'token'],
    ),
  },
  paths: {
    '/api/jobs/{id}': { get: entity('job', 'builds%2F1@1') },
    '/api/nodes/{id}': { get: entity('node', 'c1%2Fn1') },
  },
};
