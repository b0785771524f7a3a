import { WORKER_STATES } from '@quipu/read-models';
import type { ApiFragment } from '../openapi/fragment.js';
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
  pathParameter,
  problems,
  queryParameter,
  schemaOf,
} from '../openapi/parts.js';
import { DEFAULT_POOL_START, WORKER_SORT_WORDS } from './fleet-parameters.js';
import { POOL_COLUMNS } from './pool-rows.js';
import { WORKER_COLUMNS } from './worker-rows.js';

const COUNT = { type: 'integer', minimum: 0 };
const NAME = { type: 'string', description: 'Empty where nobody told.' };
const AS_OF = '2026-03-02T12:00:00.000Z';

const JOB = {
  ...{ tenant: 'acme', job: 'builds/1@1', queue: 'builds', user: 'ann', attempt: 1, status: 'running' },
  since: '2026-03-02T11:15:00.000Z',
};
const WORKER = {
  ...{ tenant: 'acme', worker: 'w1', type: 'external', pool: 'farm', host: 'h1', slots: 2 },
  ...{ state: 'busy', since: '2026-03-02T11:15:00.000Z', held: 1, otherJobs: 0 },
  ...{ lastHeartbeat: '2026-03-02T11:59:45.000Z', enabled: true, estimated: false, jobs: [JOB] },
};

const WORKER_MEMBERS = {
  tenant: { type: 'string', description: 'Whose it is; `superadmin`: the platform’s, which tenants share.' },
  worker: { type: 'string', description: 'Its subject without `worker/`.' },
  ...{ type: NAME, pool: NAME, host: NAME },
  slots: { ...COUNT, description: 'Jobs it can hold at once.' },
  state: {
    ...{ type: 'string', enum: [...WORKER_STATES, 'retired'] },
    description: 'busy: jobs hold it; idle; offline: it left; lost: it has not been heard of for too long.',
  },
  since: {
    ...INSTANT_OR_NULL,
    description:
      'Busy: since the oldest of its jobs began (null where the caller may see none of them); idle: since it came or ' +
      'its last job ended; offline, lost: since it left or was last heard of.',
  },
  held: { ...COUNT, description: 'How many jobs hold it.' },
  otherJobs: { ...COUNT, description: 'How many of them belong to other tenants, and are not named.' },
  lastHeartbeat: INSTANT_OR_NULL,
  enabled: { type: 'boolean' },
  estimated: { type: 'boolean', description: 'It is lost as far as can be told: nobody saw it go.' },
  jobs: { type: 'array', items: schemaOf('WorkerJob'), description: 'Longest first; 100 at most.' },
};

const RATIO = { type: ['number', 'null'], minimum: 0, maximum: 1 };
const SLOT_SECONDS = { ...DECIMAL, description: 'Slot-seconds over the window, exact to the millisecond.' };
const POOL = {
  ...{ tenant: 'acme', pool: 'farm', workers: 2, busy: 1, idle: 1, offline: 0, lost: 0, instances: 0 },
  ...{ slots: 4, connectedSlots: 4, heldSlots: 1, ratioNow: 0.25, ratio: 0.1875 },
  ...{ busySeconds: '2700', idleSeconds: '11700', offlineSeconds: '0', registeredSeconds: '14400' },
  ...{ estimated: false, estimatedSeconds: '0' },
};

/** `/api/workers` and `/api/pools` in the document. */
export const fleetApi: ApiFragment = {
  tags: [{ name: 'Fleet', description: 'Who works, and at what.' }],
  schemas: {
    WorkerJob: object({
      tenant: { type: 'string' },
      job: { type: 'string', description: 'Its subject without `job/`.' },
      queue: { type: 'string', description: 'Empty for jobs that named none.' },
      user: { type: ['string', 'null'] },
      attempt: { type: 'integer', minimum: 1 },
      status: { type: 'string', enum: ['assigned', 'running'] },
      since: INSTANT,
    }),
    Worker: object(WORKER_MEMBERS),
    WorkerSpell: object({
      state: { type: 'string', enum: ['connected', 'offline', 'lost'] },
      start: INSTANT,
      end: INSTANT_OR_NULL,
      estimated: { type: 'boolean', description: 'Its beginning is when the worker was last heard of.' },
    }),
    Pool: object({
      tenant: { type: 'string', description: 'Whose workers they are; a pool is of one tenant.' },
      pool: { type: 'string', description: 'Empty for workers of none.' },
      workers: { ...COUNT, description: 'Registered and not retired; and how many of them are:' },
      ...Object.fromEntries(WORKER_STATES.map((state) => [state, COUNT])),
      instances: { ...COUNT, description: 'Instances of the pool that are up.' },
      slots: { ...COUNT, description: 'Jobs that its workers can hold at once.' },
      connectedSlots: { ...COUNT, description: 'Of workers in touch.' },
      heldSlots: { ...COUNT, description: 'Of those, how many jobs hold.' },
      ratioNow: { ...RATIO, description: 'held / connected; null if none is connected.' },
      ratio: { ...RATIO, description: 'busy / (busy + idle) over the window; null if neither.' },
      ...Object.fromEntries(['busy', 'idle', 'offline'].map((state) => [`${state}Seconds`, SLOT_SECONDS])),
      registeredSeconds: { ...DECIMAL, description: 'Exactly the sum of the three.' },
      estimated: { type: 'boolean', description: 'Some of offline follows from workers that nobody saw go.' },
      estimatedSeconds: { ...DECIMAL, description: 'How much of it.' },
    }),
    WorkerHistory: object(
      {
        ...{ asOf: INSTANT, ...WORKER_MEMBERS, registered: INSTANT_OR_NULL, retired: INSTANT_OR_NULL },
        timeline: { type: 'array', items: schemaOf('WorkerSpell') },
        timelineOmitted: { type: 'integer', description: 'How many older ones there are.' },
      },
      ['timelineOmitted'],
    ),
  },
  paths: {
    '/api/workers': {
      get: {
        tags: ['Fleet'],
        operationId: 'workers',
        summary: 'Workers: what they do, since when, and at what',
        description:
          'Registered workers that are not retired. Admins see the workers of their tenant; those that tenants share ' +
          'belong to `superadmin`. Each page stands at its own instant.',
        security: BY_KEY,
        parameters: [
          parameterOf('tenant'),
          queryParameter('pool', 'Only of this pool.', 'farm'),
          queryParameter('type', 'Only of this type.', 'external'),
          queryParameter('state', 'Only in this state.', 'idle', { type: 'string', enum: WORKER_STATES }),
          queryParameter('sort', 'What rows are ordered by; a minus sign turns it about.', '-since', {
            ...{ type: 'string', enum: WORKER_SORT_WORDS, default: 'worker' },
          }),
          ...PAGED,
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'One page.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(page(schemaOf('Worker'), { asOf: INSTANT }), {
                ...{ asOf: AS_OF, data: [WORKER], next: null },
              }),
              ...csv(
                `${WORKER_COLUMNS.join(',')}\r\nacme,w1,external,farm,h1,2,busy,${WORKER.since},1,0,${WORKER.lastHeartbeat},true,false\r\n`,
              ),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
    '/api/workers/{id}': {
      get: {
        tags: ['Fleet'],
        operationId: 'worker',
        summary: 'One worker, and what became of its connections',
        description: 'Retired ones too. One that the caller may not see is 404.',
        security: BY_KEY,
        parameters: [
          pathParameter('id', 'Its subject without `worker/`, URL-encoded.', 'w1'),
          queryParameter(
            'tenant',
            'Whose it is: id, else name; default: the caller’s, for superadmins `superadmin`.',
            'acme',
          ),
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'The worker.',
            headers: FRESHNESS,
            content: json(schemaOf('WorkerHistory'), {
              ...{ asOf: AS_OF, ...WORKER, registered: '2026-03-02T08:00:00.000Z', retired: null },
              timeline: [
                { state: 'connected', start: '2026-03-02T08:00:00.000Z', end: null, estimated: false },
              ],
            }),
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
    '/api/pools': {
      get: {
        tags: ['Fleet'],
        operationId: 'pools',
        summary: 'Pools: their workers now, and what their slots did over a window',
        description:
          'Busy, idle and offline slot-seconds of the workers that are in the pool now. Admins see the pools of their ' +
          'tenant’s workers. The first page decides what "now" is for the windows of all that follow.',
        security: BY_KEY,
        parameters: [
          parameterOf('tenant'),
          queryParameter('pool', 'Only this pool.', 'farm'),
          queryParameter('start', 'The window begins here.', '-24h', {
            ...{ type: 'string', default: DEFAULT_POOL_START },
          }),
          parameterOf('end'),
          ...PAGED,
          parameterOf('after'),
        ],
        responses: {
          200: {
            description: 'One page, ordered by tenant and pool.',
            headers: { ...FRESHNESS, ...LINK },
            content: {
              ...json(page(schemaOf('Pool'), { asOf: INSTANT, start: INSTANT, end: INSTANT }), {
                ...{ asOf: AS_OF, start: '2026-03-02T11:00:00.000Z', end: AS_OF, data: [POOL], next: null },
              }),
              ...csv(`${POOL_COLUMNS.join(',')}\r\n${Object.values(POOL).join(',')}\r\n`),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
    },
  },
};
