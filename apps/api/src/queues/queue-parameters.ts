import { z } from 'zod';
import { PAGE_PARAMETERS } from '../answers/filter-parameters.js';
import { storableText } from '../answers/query-parameters.js';

/** The parameters of `GET /api/queues`. */
export const queueParameters = z.object({
  tenant: storableText.optional(),
  queue: storableText.optional(),
  asOf: storableText.optional(),
  ...PAGE_PARAMETERS,
});
