import { REFUSALS } from '@quipu/contracts';
import type { ApiFragment, JsonSchema } from '../openapi/fragment.js';
import {
  BY_KEY,
  FRESHNESS,
  INSTANT,
  INSTANT_OR_NULL,
  json,
  object,
  pathParameter,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';
import { DOOR_REFUSALS } from './door-rules.js';

const INDEXES: JsonSchema = { type: 'array', items: { type: 'integer', minimum: 0 } };
const REASON: JsonSchema = {
  type: 'string',
  enum: [...Object.keys(REFUSALS), ...Object.keys(DOOR_REFUSALS)],
};
const EVENT = {
  ...{
    specversion: '1.0',
    id: '17',
    source: 'acme/build-farm',
    type: 'job.queued',
    subject: 'job/builds/1@1',
  },
  ...{ time: '2026-03-02T12:00:00Z', tenant: 'acme', data: { queue: 'builds', user: 'ann' } },
};
const REJECTED = {
  type: 'array',
  items: object({ index: { type: 'integer', minimum: 0 }, reason: REASON, detail: { type: 'string' } }),
};

/** `/api/events` in the document. */
export const eventsApi: ApiFragment = {
  tags: [{ name: 'Events', description: 'Reporting over HTTP: docs/reporting.md tells the whole way.' }],
  schemas: {
    Event: {
      type: 'object',
      description: 'A CloudEvent 1.0 in structured JSON, with its tenant: docs/events.md.',
      properties: {
        specversion: { const: '1.0' },
        id: { type: 'string' },
        source: { type: 'string' },
        type: { type: 'string' },
        subject: { type: 'string' },
        time: INSTANT,
        tenant: { type: 'string' },
        dataversion: { type: 'integer', minimum: 1, default: 1 },
        sequence: { type: 'string' },
        data: { type: 'object' },
      },
      required: ['specversion', 'id', 'source', 'type', 'subject', 'time', 'tenant'],
    },
    EventsTaken: object({ accepted: { type: 'integer', minimum: 0 }, rejected: REJECTED }),
    EventsLogged: object({
      accepted: { type: 'integer', minimum: 0 },
      rejected: REJECTED,
      new: { ...INDEXES, description: 'Places, in the request, of the events that the log had not.' },
      duplicates: { ...INDEXES, description: 'Places of events that it had.' },
      conflicts: {
        type: 'array',
        items: object({ index: { type: 'integer', minimum: 0 }, reason: REASON }),
        description: 'Events that became dead letters.',
      },
      token: { type: ['string', 'null'], description: 'For `Quipu-After`.' },
    }),
    DeadLetter: object({
      reason: REASON,
      detail: { type: 'string' },
      status: { type: 'string' },
      firstSeen: INSTANT,
      lastSeen: INSTANT,
      seen: { type: 'integer', minimum: 1 },
    }),
    EventState: object(
      {
        tenant: { type: 'string' },
        source: { type: 'string' },
        id: { type: 'string' },
        state: { type: 'string', enum: ['logged', 'dead-letter'] },
        recorded: INSTANT_OR_NULL,
        type: { type: 'string' },
        subject: { type: 'string' },
        time: INSTANT_OR_NULL,
        position: { type: 'string', pattern: '^\\d+$', description: 'For superadmins.' },
        deadLetters: { type: 'array', items: schemaOf('DeadLetter') },
      },
      ['recorded', 'type', 'subject', 'time', 'position', 'deadLetters'],
    ),
  },
  paths: {
    '/api/events': {
      post: {
        ...{ tags: ['Events'], operationId: 'sendEvents', summary: 'Send events', security: BY_KEY },
        description:
          'One CloudEvent, a batch, or one per line; also with `Content-Encoding: gzip`. For reporters of the events’ ' +
          'tenant, and superadmins. An event that is sent again by any path changes nothing.',
        parameters: [
          queryParameter('ack', 'What the answer waits for: the queue, or the log.', 'log', {
            ...{ type: 'string', enum: ['queue', 'log'], default: 'queue' },
          }),
          queryParameter('import', 'Events of any age are welcome; for superadmins.', 'false', {
            ...{ type: 'string', enum: ['true', 'false'], default: 'false' },
          }),
        ],
        requestBody: {
          required: true,
          description: 'The events; an array of `application/json` is a batch.',
          content: {
            'application/cloudevents+json': { schema: schemaOf('Event'), example: EVENT },
            'application/cloudevents-batch+json': {
              schema: { type: 'array', items: schemaOf('Event') },
              example: [EVENT],
            },
            'application/x-ndjson': { schema: { type: 'string' }, example: `${JSON.stringify(EVENT)}\n` },
            'application/json': {
              schema: { oneOf: [schemaOf('Event'), { type: 'array', items: schemaOf('Event') }] },
              example: EVENT,
            },
          },
        },
        responses: {
          200: {
            description: 'With `ack=log`: what was new to the log.',
            headers: FRESHNESS,
            content: json(schemaOf('EventsLogged'), {
              ...{ accepted: 1, rejected: [], new: [0], duplicates: [], conflicts: [] },
              token: 'mLmlV0pXb0w1Zq9m3jJc1A',
            }),
          },
          202: {
            description:
              'The queue holds the accepted ones durably; with `ack=log`, when the log takes long.',
            content: json(schemaOf('EventsTaken'), {
              accepted: 1,
              rejected: [
                { index: 1, reason: 'foreign-tenant', detail: 'tenant: this key reports for acme only' },
              ],
            }),
          },
          ...problems(400, 401, 403, 413, 415, 422, 429, 503),
        },
      },
    },
    '/api/events/{source}/{id}': {
      get: {
        ...{
          tags: ['Events'],
          operationId: 'findEvent',
          summary: 'What became of an event',
          security: BY_KEY,
        },
        description:
          'Logged (when), a dead letter (why), or unknown (404). For admins, reporters and superadmins.',
        parameters: [
          pathParameter('source', 'The event’s source, URL-encoded.', 'acme%2Fbuild-farm'),
          pathParameter('id', 'The event’s id, URL-encoded.', '17'),
          queryParameter(
            'tenant',
            'Id of the event’s tenant; default: the caller’s. For superadmins.',
            'acme',
          ),
        ],
        responses: {
          200: {
            description: 'What is known of it.',
            content: json(schemaOf('EventState'), {
              ...{ tenant: 'acme', source: 'acme/build-farm', id: '17', state: 'logged' },
              ...{ recorded: '2026-03-02T12:00:00.125Z', type: 'job.queued', subject: 'job/builds/1@1' },
              time: '2026-03-02T12:00:00.000Z',
            }),
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
  },
};
