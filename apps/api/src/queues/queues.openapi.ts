import { RATE_MINUTES } from '@quipu/read-models';
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
  PAGED,
  parameterOf,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';
import { QUEUE_COLUMNS } from './queue-rows.js';

const COUNT = { type: 'integer', minimum: 0 };
const RATE = { type: ['number', 'null'], minimum: 0 };
const LENGTH = { type: ['integer', 'null'], minimum: 0 };
/** Each rate, and what it counts. */
const RATES = {
  arrivals: 'Jobs that began to wait (queued, unblocked or due), per minute.',
  departures: 'Jobs that ceased to wait (taken, or ended before), per minute.',
  completions: 'Runs that ended, per minute; not those whose end is an estimate.',
};
const EXAMPLE = {
  ...{ tenant: 'acme', queue: 'builds', queued: 2, delayed: 1, blocked: 0, inProgress: 1 },
  oldestWaitingMs: 2_400_000,
  ...{ arrivals1: 0, arrivals5: 0, arrivals15: 0, departures1: 0, departures5: 0, departures15: 0 },
  ...{ completions1: 0, completions5: 0, completions15: 0 },
  ...{ meanWaitMs: null, p95WaitMs: null, meanRunMs: null, p95RunMs: null },
  ...{ workers: 1, estimated: false, verdict: 'standing: nothing taken for 15 minutes' },
};

const ABOUT = {
  asOf: INSTANT,
  sampled: {
    ...COUNT,
    description:
      'Waits, runs and workers come from one event of so many of the last minutes; 1: from all of them. For superadmins.',
  },
  reachMs: {
    ...COUNT,
    description:
      'How far back rates reach: 15 minutes, or less where more happened than is read. For superadmins.',
  },
};

/** `GET /api/queues` in the document. */
export const queuesApi: ApiFragment = {
  tags: [],
  schemas: {
    QueueStanding: object({
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
      ...Object.fromEntries(
        Object.entries(RATES).flatMap(([name, description]) =>
          RATE_MINUTES.map((minutes) => [
            `${name}${minutes}`,
            { ...RATE, description: `${description} Over the last ${minutes} min.` },
          ]),
        ),
      ),
      meanWaitMs: { ...LENGTH, description: 'Mean of the waits that ended within 15 minutes.' },
      p95WaitMs: { ...LENGTH, description: 'Their 95th percentile.' },
      meanRunMs: { ...LENGTH, description: 'Mean of the runs that ended within 15 minutes.' },
      p95RunMs: { ...LENGTH, description: 'Their 95th percentile.' },
      workers: {
        ...LENGTH,
        description:
          'Workers able to serve it: in touch, enabled, and holding a job of it or seen to take one within 15 minutes, ' +
          'or of the pool of one that does or was.',
      },
      estimated: {
        ...{ type: ['boolean', 'null'] },
        description: 'Within 15 minutes some run of it ended by estimate: nobody told its end.',
      },
      verdict: {
        ...{ type: ['string', 'null'] },
        description:
          'growing, draining or steady (with jobs in and out per minute, over five minutes), idle, standing (nothing taken ' +
          'for 15 minutes), or nothing serves this queue.',
      },
    }),
  },
  paths: {
    '/api/queues': {
      get: {
        tags: ['Numbers'],
        operationId: 'queues',
        summary: 'Queues: how many jobs wait and run, come and go, and what to think of it',
        description:
          'Per tenant and queue; queues without jobs and without traffic within 15 minutes have no row. Each page stands ' +
          'at its own instant, unless `asOf` names one: then only depth is told, and the rest is null. For admins.',
        security: BY_KEY,
        parameters: [
          parameterOf('tenant'),
          queryParameter('queue', 'Only this queue.', 'builds'),
          parameterOf('asOf'),
          ...PAGED,
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'One page, ordered by tenant and queue.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(page(schemaOf('QueueStanding'), ABOUT, ['sampled', 'reachMs']), {
                ...{ asOf: '2026-03-02T12:00:00.000Z', sampled: 1, reachMs: 900_000 },
                ...{ data: [EXAMPLE], next: null },
              }),
              ...csv(
                `${QUEUE_COLUMNS.join(',')}\r\nacme,builds,2,1,0,1,2400000,0,0,0,0,0,0,0,0,0,,,,,1,false,standing: nothing taken for 15 minutes\r\n`,
              ),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
  },
};
