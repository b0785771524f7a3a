import { z } from 'zod';
import { DEFAULT_LIMIT, limitText, oneOf, storableText } from './query-parameters.js';

/** The exact matches that narrow a question about usage. */
export const FILTER_PARAMETERS = {
  tenant: storableText.optional(),
  user: storableText.optional(),
  queue: storableText.optional(),
  cluster: storableText.optional(),
  template: storableText.optional(),
  provider: storableText.optional(),
  hardware: storableText.optional(),
  image: storableText.optional(),
  service: storableText.optional(),
};

/** Which part of a list, and how it is written. */
export const PAGE_PARAMETERS = {
  limit: limitText.default(DEFAULT_LIMIT),
  cursor: z.string().optional(),
  format: oneOf(['json', 'csv']).optional(),
};
