import type { ApiContent, ApiFragment, ApiParameter, ApiResponse } from '../openapi/fragment.js';
import { json, queryParameter } from '../openapi/parts.js';
import type { Envelope } from './proxmox-answers.js';

const POINT = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    metric: { type: 'string' },
    timestamp: { type: 'integer' },
    type: { type: 'string', enum: ['gauge', 'counter', 'derive'] },
    value: { type: 'number' },
  },
  required: ['id', 'metric', 'timestamp', 'type', 'value'],
} as const;
const LIST = {
  type: 'object',
  properties: { data: { type: 'array', items: POINT } },
  required: ['data'],
} as const;
const EXAMPLE = {
  data: [{ id: 'host', metric: 'cpu_avg1', timestamp: 1_772_452_800, type: 'gauge', value: 0.12 }],
};

const PARAMETERS: readonly ApiParameter[] = [
  queryParameter('history', 'All generations that are kept (30 minutes), instead of the newest.', 'true', {
    type: 'string',
    default: '0',
  }),
  queryParameter('start-time', 'With history: only points later than this, Unix seconds.', 1_772_452_790, {
    type: 'integer',
    default: 0,
  }),
];

/** A bare message; its type says JSON, as the original's does. */
const message = (description: string, example: string): ApiResponse => ({
  description,
  content: { 'application/json': { schema: {}, example } },
});
const RETRY = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } as const;

const REFUSAL = {
  type: 'object',
  properties: {
    data: { type: 'null' },
    errors: { type: 'object', additionalProperties: { type: 'string' } },
    message: { type: 'string' },
    status: { type: 'integer' },
    success: { const: false },
  },
  required: ['data', 'errors', 'message', 'status', 'success'],
} as const;

const ANSWERS: Readonly<Record<Envelope, Readonly<Record<number, ApiResponse>>>> = {
  json: {
    200: {
      description: 'Points, the oldest first.',
      content: json({ type: 'object', properties: { data: LIST }, required: ['data'] }, { data: EXAMPLE }),
    },
    400: message(
      'A parameter is unknown, repeated or cannot be read. The body is a bare message.',
      'parameter …',
    ),
    401: message('No valid key; after three seconds. The body is a bare message.', 'authentication failed'),
    429: {
      ...message('Asked too often. The body is a bare message.', 'too many requests at once'),
      headers: RETRY,
    },
    503: { ...message('Redis is away. The body is a bare message.', 'a store is away'), headers: RETRY },
  },
  extjs: {
    200: {
      description: 'Points, the oldest first; or what is refused, with its status inside.',
      content: extjs(),
    },
  },
};

function extjs(): ApiContent {
  const good = {
    type: 'object',
    properties: { data: LIST, status: { const: 200 }, success: { const: true } },
    required: ['data', 'status', 'success'],
  };
  return json({ anyOf: [good, REFUSAL] }, { data: EXAMPLE, status: 200, success: true });
}

function path(envelope: Envelope) {
  return {
    get: {
      tags: ['Proxmox'] as const,
      operationId: `proxmoxMetrics${envelope === 'json' ? 'Json' : 'Extjs'}`,
      summary: `Points of the last half hour (${envelope})`,
      description:
        'A generation of points is taken every ten seconds. What a caller may not see is left out: superadmins and ' +
        'scrapers of all tenants see everything, everybody else `tenant/<id>` of the own tenant.',
      security: [{ anyKey: [] }, { proxmoxToken: [] }],
      parameters: PARAMETERS,
      responses: ANSWERS[envelope],
    },
  };
}

/** The Proxmox dialect in the document. */
export const proxmoxApi: ApiFragment = {
  tags: [
    {
      name: 'Proxmox',
      description: 'The dialect of Proxmox Backup Server’s metrics: for collectors that pull them.',
    },
  ],
  paths: {
    '/api2/json/status/metrics': path('json'),
    '/api2/extjs/status/metrics': path('extjs'),
  },
};
