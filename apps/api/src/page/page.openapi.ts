import type { ApiContent, ApiFragment } from '../openapi/fragment.js';
import { problems } from '../openapi/parts.js';

const html = (example: string): ApiContent => ({ 'text/html': { schema: { type: 'string' }, example } });

/** The status page in the document. */
export const pageApi: ApiFragment = {
  tags: [{ name: 'Page', description: 'For people.' }],
  paths: {
    '/': {
      get: {
        tags: ['Page'],
        operationId: 'page',
        summary: 'The status page',
        description: 'Depth and usage per tenant. Admins see their tenant, superadmins all.',
        security: [{ basic: [] }],
        responses: {
          200: { description: 'The page.', content: html('<!doctype html>…') },
          401: { description: 'No key, or one that is not valid.', content: html('<!doctype html>…') },
          403: { description: 'The key of somebody who is no admin.', content: html('<!doctype html>…') },
          ...problems(429, 503),
        },
      },
    },
  },
};
