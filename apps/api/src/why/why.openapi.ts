import { DIMENSIONS, MEASURE_NAMES } from '@quipu/read-models';
import { filterParameters } from '../openapi/filter-parameters.js';
import type { ApiFragment, ApiParameter, JsonSchema, Reference } from '../openapi/fragment.js';
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
import { WHY_COLUMNS } from './why-rows.js';

const NAME_OR_NULL: JsonSchema = { type: ['string', 'null'] };

/** What an answer tells of where an event is in the log. */
export const PLACE: Readonly<Record<string, JsonSchema>> = {
  position: { type: 'string', pattern: '^\\d+$', description: 'Position in the log; for superadmins.' },
  token: { type: 'string', description: 'Position in the log, opaque; for everybody else.' },
};

const EVENT = {
  ...{ type: 'node.allocated', time: '2026-03-01T08:00:00.000Z', recorded: '2026-03-01T08:00:00.125Z' },
  ...{ source: 'acme/farm', id: '17', token: 'mLmlV0pXb0w1Zq9m3jJc1A' },
};
const ITEM = {
  ...{ entity: 'node/c1/n1', kind: 'node', tenant: 'acme', user: 'ann', queue: null, cluster: 'c1' },
  ...{ template: null, provider: null, hardware: null, image: null, life: '' },
  ...{ start: '2026-03-01T08:00:00.000Z', end: '2026-03-01T12:00:00.000Z' },
  ...{ from: '2026-03-01T08:00:00.000Z', to: '2026-03-01T12:00:00.000Z' },
  ...{ height: 1, estimated: false, amount: '14400', share: 1 },
  events: [EVENT],
};

const EXPORTED = `${JSON.stringify({
  ...{ 'quipu-why': 1, measure: 'node_seconds', filters: { tenant: 'acme' }, start: null },
  ...{ end: '2026-03-02T00:00:00.000Z', asOf: '2026-03-02T12:00:00.000Z', position: '12' },
})}\n`;

/** The parameters of a question for reasons. */
export const WHY_QUESTION: readonly (ApiParameter | Reference)[] = [
  {
    ...queryParameter('measure', 'The number in question.', 'node_seconds', {
      ...{ type: 'string', enum: MEASURE_NAMES },
    }),
    required: true,
  },
  parameterOf('start'),
  parameterOf('end'),
  queryParameter('at', 'The instant of a level, such as `nodes`; default: now.', '2026-03-01T00:00:00Z'),
  parameterOf('asOf'),
  parameterOf('tenant'),
  ...filterParameters(),
];

/** `/api/why` in the document. */
export const whyApi: ApiFragment = {
  tags: [{ name: 'Reasons', description: 'Why a number is what it is.' }],
  schemas: {
    WhyItem: object(
      {
        entity: { type: 'string', description: 'The subject of its events.' },
        kind: { type: 'string' },
        ...Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, NAME_OR_NULL])),
        services: { type: 'array', items: { type: 'string' } },
        life: { type: 'string', description: 'Which attempt of a job, which life of a node.' },
        start: { ...INSTANT_OR_NULL, description: 'When the interval began.' },
        end: { ...INSTANT_OR_NULL, description: 'When it ended; null while it lasts.' },
        from: { ...INSTANT_OR_NULL, description: 'The part of it inside the window.' },
        to: INSTANT_OR_NULL,
        height: { type: 'number', description: 'How many nodes or jobs it counts for.' },
        estimated: {
          type: 'boolean',
          description: 'Its end was not reported, but follows from later events.',
        },
        amount: DECIMAL,
        share: { type: 'number', description: 'Of the total.' },
        events: { type: 'array', items: schemaOf('WhyEvent') },
      },
      ['services', 'events'],
    ),
    WhyEvent: object(
      {
        ...{ type: { type: 'string' }, time: INSTANT, recorded: INSTANT_OR_NULL },
        ...{ source: { type: 'string' }, id: { type: 'string' } },
        ...PLACE,
      },
      ['position', 'token'],
    ),
  },
  paths: {
    '/api/why': {
      get: {
        ...{ tags: ['Reasons'], operationId: 'why', summary: 'The intervals that add up to a number' },
        description:
          'Entities, their intervals and the events behind them, largest first; they sum exactly to what usage or ' +
          'queues say. The first page decides at which position and instant all pages stand.',
        security: BY_KEY,
        parameters: [
          ...WHY_QUESTION,
          queryParameter('events', 'With the events behind each interval; CSV never has them.', 'true', {
            ...{ type: 'string', enum: ['true', 'false'], default: 'true' },
          }),
          ...PAGED,
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'One page.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(
                {
                  ...page(schemaOf('WhyItem'), {
                    measure: { type: 'string', enum: MEASURE_NAMES },
                    unit: { type: 'string', enum: ['node-seconds', 'job-seconds', 'nodes', 'jobs'] },
                    asOf: INSTANT,
                    start: { ...INSTANT_OR_NULL, description: 'Of a sum over time.' },
                    end: INSTANT,
                    at: { ...INSTANT_OR_NULL, description: 'Of a level.' },
                    entities: { type: 'integer', description: 'How many contribute, on all pages.' },
                    intervals: { type: 'integer' },
                    total: { ...DECIMAL, description: 'Of all pages.' },
                    estimated: { type: 'boolean', description: 'Some of the total is an estimate.' },
                    estimatedTotal: { ...DECIMAL, description: 'How much of it.' },
                  }),
                  required: [
                    ...['measure', 'unit', 'asOf', 'entities', 'intervals', 'total'],
                    ...['estimated', 'estimatedTotal', 'data', 'next'],
                  ],
                },
                {
                  ...{ measure: 'node_seconds', unit: 'node-seconds', asOf: '2026-03-02T12:00:00.000Z' },
                  ...{ start: '2026-03-01T00:00:00.000Z', end: '2026-03-02T00:00:00.000Z' },
                  ...{ entities: 1, intervals: 1, total: '14400', estimated: false, estimatedTotal: '0' },
                  ...{ data: [ITEM], next: null },
                },
              ),
              ...csv(`${WHY_COLUMNS.join(',')}\r\n`),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
    '/api/why/export': {
      get: {
        ...{ tags: ['Reasons'], operationId: 'exportWhy', summary: 'A number that anyone can compute again' },
        description:
          'Lines of JSON with the intervals, events and digests behind a number, for `tools/check.mjs`. It holds ' +
          'positions of the log: for superadmins, who hand it on. A file without its end line is cut off.',
        security: BY_KEY,
        parameters: [...WHY_QUESTION, parameterOf('after')],
        responses: {
          200: {
            description: 'The file.',
            content: { 'application/x-ndjson': { schema: { type: 'string' }, example: EXPORTED } },
          },
          ...problems(400, 401, 403, 404, 422, 429, 503),
        },
      },
    },
  },
};
