import { WORKER_STATES } from '@quipu/read-models';
import { z } from 'zod';
import { PAGE_PARAMETERS } from '../answers/filter-parameters.js';
import { oneOf, storableText, timeText } from '../answers/query-parameters.js';

/** What lists of workers are sorted by; with a minus sign in front, the other way about. */
export const WORKER_SORTS = ['worker', 'pool', 'type', 'host', 'state', 'since', 'lastHeartbeat'] as const;

/** One of {@link WORKER_SORTS}. */
export type WorkerSort = (typeof WORKER_SORTS)[number];

/** All that `sort` takes. */
export const WORKER_SORT_WORDS = [...WORKER_SORTS, ...WORKER_SORTS.map((name) => `-${name}` as const)] as [
  WorkerSort | `-${WorkerSort}`,
  ...(WorkerSort | `-${WorkerSort}`)[],
];

/** The parameters of `GET /api/workers`. */
export const workersParameters = z.object({
  tenant: storableText.optional(),
  pool: storableText.optional(),
  type: storableText.optional(),
  state: oneOf(WORKER_STATES).optional(),
  sort: oneOf(WORKER_SORT_WORDS).default('worker'),
  ...PAGE_PARAMETERS,
});

/** The parameters of `GET /api/workers/<id>`. */
export const workerParameters = z.object({ tenant: storableText.optional() });

/** How far back pools are told of where a request does not say. */
export const DEFAULT_POOL_START = '-1h';

/** The parameters of `GET /api/pools`. @param nowMs what relative times refer to. */
export function poolsParameters(nowMs: number) {
  return z.object({
    tenant: storableText.optional(),
    pool: storableText.optional(),
    start: timeText(nowMs).optional(),
    end: timeText(nowMs).optional(),
    ...PAGE_PARAMETERS,
  });
}
