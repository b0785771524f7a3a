import { z } from 'zod';
import { DEFAULT_LIMIT, limitText, oneOf, storableText } from '../answers/query-parameters.js';

/** The parameters of `GET /api/queues`. */
export const queueParameters = z.object({
  tenant: storableText.optional(),
  queue: storableText.optional(),
  asOf: storableText.optional(),
  limit: limitText.default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
  format: oneOf(['json', 'csv']).optional(),
});
