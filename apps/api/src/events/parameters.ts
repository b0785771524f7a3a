import { isTenantId } from '@quipu/contracts';
import { z } from 'zod';
import { oneOf, readQuery, storableText } from '../answers/query-parameters.js';

const EVENTS_QUERY = z.object({
  ack: oneOf(['queue', 'log']).default('queue'),
  import: oneOf(['true', 'false']).default('false'),
});

const LOOK_UP_QUERY = z.object({
  tenant: storableText.refine(isTenantId, 'is no tenant id').optional(),
});

/**
 * Parameters of `POST /api/events`: `ack=queue|log`, `import=true|false`.
 * @throws ProblemException 400.
 */
export function eventsParameters(query: unknown): { acknowledge: boolean; backfill: boolean } {
  const { ack, import: backfill } = readQuery(EVENTS_QUERY, query);
  return { acknowledge: ack === 'log', backfill: backfill === 'true' };
}

/**
 * Parameters of `GET /api/events/<source>/<id>`: `tenant`.
 * @throws ProblemException 400.
 */
export function lookUpParameters(query: unknown): { tenant?: string | undefined } {
  return readQuery(LOOK_UP_QUERY, query);
}
