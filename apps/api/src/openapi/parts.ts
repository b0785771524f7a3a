import type { ApiContent, ApiParameter, ApiResponse, JsonSchema, Reference } from './fragment.js';

/** Security of our own routes: `Authorization: Bearer <key>`. */
export const BY_KEY = [{ key: [] }] as const;
/** Security of routes that everybody may ask. */
export const OPEN = [] as const;

/** Refers to a schema of the components. */
export function schemaOf(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

/** Refers to a parameter of the components. */
export function parameterOf(name: keyof typeof PARAMETERS): Reference {
  return { $ref: `#/components/parameters/${name}` };
}

/** What every list takes: how many rows, from where on, and in which form. */
export const PAGED: readonly Reference[] = [
  parameterOf('limit'),
  parameterOf('cursor'),
  parameterOf('format'),
];

/** A parameter of the query. */
export function queryParameter(
  name: string,
  description: string,
  example: unknown,
  schema: JsonSchema = { type: 'string' },
): ApiParameter {
  return { name, in: 'query', description, schema, example };
}

/** A parameter in the path. */
export function pathParameter(name: string, description: string, example: string): ApiParameter {
  return { name, in: 'path', required: true, description, schema: { type: 'string', minLength: 1 }, example };
}

/** JSON with an example. */
export function json(schema: JsonSchema, example: unknown): ApiContent {
  return { 'application/json': { schema, example } };
}

/** CSV with an example. */
export function csv(example: string): ApiContent {
  return { 'text/csv': { schema: { type: 'string' }, example } };
}

/** An object with exactly these members, all of them there unless named optional. */
export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** A page of a list: members of the whole list, its rows, and the cursor of the next page. */
export function page(
  rows: JsonSchema,
  about: Readonly<Record<string, JsonSchema>> = {},
  optional: readonly string[] = [],
): JsonSchema {
  const next = {
    type: ['string', 'null'],
    description: 'Cursor of the next page; null on the last one.',
  };
  return object({ ...about, data: { type: 'array', items: rows }, next }, optional);
}

/** An instant as answers write it. */
export const INSTANT: JsonSchema = { type: 'string', format: 'date-time' };
/** An instant, or null. */
export const INSTANT_OR_NULL: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
/** An exact decimal number as text: numbers of a ledger outgrow what JSON readers keep exactly. */
export const DECIMAL: JsonSchema = { type: 'string', pattern: '^-?\\d+(\\.\\d+)?$' };
/** Headers of an answer that stands at a position of the log. */
export const FRESHNESS = {
  'Quipu-As-Of': { $ref: '#/components/headers/QuipuAsOf' },
  'Quipu-Token': { $ref: '#/components/headers/QuipuToken' },
  'Quipu-Position': { $ref: '#/components/headers/QuipuPosition' },
} as const;
/** Header of a page that is not the last one. */
export const LINK = { Link: { $ref: '#/components/headers/Link' } } as const;

const TIME_EXAMPLE = '2026-03-01T00:00:00Z';

/** Parameters that several routes share. */
export const PARAMETERS = {
  limit: queryParameter('limit', 'Most rows of the page.', 100, {
    ...{ type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  }),
  cursor: queryParameter(
    'cursor',
    'Where the page begins: `next` of the page before, with all other parameters unchanged. Opaque.',
    'WyJkM0lPWlZ4ckdlb1oiLCJ0LTdmM2EiXQ',
  ),
  format: queryParameter('format', 'How the answer is written; else the `Accept` header decides.', 'json', {
    ...{ type: 'string', enum: ['json', 'csv'] },
  }),
  tenant: queryParameter(
    'tenant',
    'One tenant: its id, else its name. One that the caller may not see is 404, as one that does not exist.',
    'acme',
  ),
  start: queryParameter('start', 'From this instant on; default: the beginning.', TIME_EXAMPLE),
  end: queryParameter('end', 'Up to this instant; default: now.', TIME_EXAMPLE),
  asOf: queryParameter(
    'asOf',
    'What the ledger said then: an instant, or a `Quipu-Token` (superadmins: or `@<position>`).',
    '2026-03-01T00:00:00Z',
  ),
  after: {
    name: 'Quipu-After',
    in: 'header',
    description:
      'A `Quipu-Token` of an earlier answer (superadmins: or a position): the answer waits, five seconds at most, ' +
      'until the numbers hold all events up to there.',
    schema: { type: 'string' },
    example: 'mLmlV0pXb0w1Zq9m3jJc1A',
  },
} as const satisfies Record<string, ApiParameter>;

/** Headers that several answers carry. */
export const HEADERS = {
  QuipuAsOf: {
    description: 'The instant the answer stands at.',
    schema: INSTANT,
    example: '2026-03-02T12:00:00.000Z',
  },
  QuipuToken: {
    description: 'Where in the log the answer stands, opaque; for `Quipu-After`.',
    schema: { type: 'string' },
    example: 'mLmlV0pXb0w1Zq9m3jJc1A',
  },
  QuipuPosition: {
    description: 'The same as a position; for superadmins.',
    schema: { type: 'string', pattern: '^\\d+$' },
    example: '12',
  },
  QuipuEstimated: {
    description: 'Some of the answer comes from intervals whose end nobody saw; absent where none does.',
    schema: { type: 'string', const: 'true' },
    example: 'true',
  },
  Link: {
    description: 'The next page, `rel="next"`; absent on the last one.',
    schema: { type: 'string' },
    example: '</api/keys?limit=1&cursor=WyJkM0lPWlZ4ckdlb1oiXQ>; rel="next"',
  },
  RetryAfter: {
    description: 'Seconds after which to ask again.',
    schema: { type: 'integer', minimum: 0 },
    example: 5,
  },
} as const;

/** An RFC 9457 problem document. */
export const PROBLEM: JsonSchema = {
  type: 'object',
  properties: {
    type: { type: 'string', const: 'about:blank' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is wrong, in a sentence for each thing.' },
    hint: { type: 'string', description: 'What to do about it.' },
    errors: {
      type: 'array',
      description: 'Each parameter or member that is wrong.',
      items: object({ parameter: { type: 'string' }, detail: { type: 'string' } }),
    },
  },
  required: ['type', 'title', 'status', 'detail'],
};

const WORDS: Readonly<Record<number, readonly [title: string, detail: string, when: string]>> = {
  400: [
    'Bad request',
    'colour is unknown.',
    'A parameter is unknown, given twice or cannot be read; all are told.',
  ],
  401: ['Unauthorized', 'The key is not valid.', 'No key, or one that is unknown, revoked or expired.'],
  403: ['Forbidden', 'A key of role user may not do this.', 'The key is valid, but not for this.'],
  404: [
    'Not found',
    'There is no tenant "nobody".',
    'It does not exist, or the caller may not see it: one answer.',
  ],
  409: [
    'Conflict',
    'Principal "rita" exists with role reporter.',
    'What there is already does not allow it.',
  ],
  413: ['Content too large', 'Content too large', 'The body is too large.'],
  415: [
    'Unsupported media type',
    'The body is not JSON.',
    'The body is of a type that the route does not read.',
  ],
  422: [
    'Unprocessable content',
    'principal is missing.',
    'The body can be read, but not be used; all errors are told.',
  ],
  429: ['Too many requests', 'Too many requests.', 'Asked too often, or too much is waiting.'],
  503: ['Service unavailable', 'The database does not answer.', 'A store is away; nothing was changed.'],
};

/** Problem documents by status, for the components of the document. */
export const PROBLEMS: Readonly<Record<string, ApiResponse>> = Object.fromEntries(
  Object.entries(WORDS).map(([status, [title, detail, when]]) => [
    `Problem${status}`,
    {
      description: when,
      ...(status === '503' || status === '429'
        ? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } }
        : {}),
      content: {
        'application/problem+json': {
          schema: schemaOf('Problem'),
          example: { type: 'about:blank', title, status: Number(status), detail },
        },
      },
    },
  ]),
);

/** The refusals of a route, as problem documents: 400, 401, 403, 404, 409, 413, 415, 422, 429, 503. */
export function problems(...statuses: readonly number[]): Readonly<Record<string, Reference>> {
  return Object.fromEntries(
    statuses.map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
  );
}
