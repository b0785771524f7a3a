import type { ApiFragment } from './fragment.js';
import { json, OPEN, problems } from './parts.js';

/** `/docs` in the document: it describes itself. */
export const docsApi: ApiFragment = {
  tags: [{ name: 'Documentation', description: 'This document.' }],
  paths: {
    '/docs': {
      get: {
        ...{
          tags: ['Documentation'],
          operationId: 'docs',
          summary: 'The document, for people',
          security: OPEN,
        },
        description: 'A page without scripts.',
        responses: {
          200: {
            description: 'The page.',
            content: { 'text/html': { schema: { type: 'string' }, example: '<!doctype html>…' } },
          },
          ...problems(429),
        },
      },
    },
    '/docs/openapi.json': {
      get: {
        ...{
          tags: ['Documentation'],
          operationId: 'openapi',
          summary: 'The document, for programs',
          security: OPEN,
        },
        responses: {
          200: {
            description: 'OpenAPI 3.1.',
            content: json(
              { type: 'object', required: ['openapi', 'info', 'paths'] },
              {
                ...{ openapi: '3.1.1', info: { title: 'Quipu', version: '0.1.0' }, paths: {} },
              },
            ),
          },
          ...problems(429),
        },
      },
    },
  },
};
