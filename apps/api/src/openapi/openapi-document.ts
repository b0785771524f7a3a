import { adminApi } from '../admin/admin.openapi.js';
import { cooprApi } from '../coopr/coopr.openapi.js';
import { entitiesApi } from '../entities/entities.openapi.js';
import { eventsApi } from '../events/events.openapi.js';
import { fleetApi } from '../fleet/fleet.openapi.js';
import { gnocchiApi } from '../gnocchi/gnocchi.openapi.js';
import { healthApi } from '../health/health.openapi.js';
import { metricsApi } from '../metrics/metrics.openapi.js';
import { pageApi } from '../page/page.openapi.js';
import { proxmoxApi } from '../proxmox/proxmox.openapi.js';
import { queuesApi } from '../queues/queues.openapi.js';
import { usageApi } from '../usage/usage.openapi.js';
import { whyApi } from '../why/why.openapi.js';
import { docsApi } from './docs.openapi.js';
import type { ApiFragment, ApiParameter, ApiPath, ApiResponse, JsonSchema } from './fragment.js';
import { HEADERS, PARAMETERS, PROBLEM, PROBLEMS } from './parts.js';

/** What the document is made of, in the order of its chapters. */
const FRAGMENTS: readonly ApiFragment[] = [
  usageApi,
  queuesApi,
  fleetApi,
  whyApi,
  entitiesApi,
  eventsApi,
  adminApi,
  cooprApi,
  metricsApi,
  proxmoxApi,
  gnocchiApi,
  healthApi,
  pageApi,
  docsApi,
];

const DESCRIPTION = `What every tenant of a job platform has queued, running and used.

- A key identifies its holder: \`Authorization: Bearer <key>\`. Superadmins see every tenant, admins their own, users
  themselves; reporters only send events. The Coopr dialect and the page have headers of their own.
- Refusals of our own routes are problem documents (RFC 9457). Unknown parameters are refused, and every error of a
  request is told at once. What a caller may not see answers as what does not exist.
- Lists come in pages: \`limit\` rows, then \`next\` is the \`cursor\` of the following page, also as a \`Link\` header.
  \`Accept: text/csv\` or \`format=csv\` gives a table; texts that a spreadsheet would run gain an apostrophe in front.
- Times in queries are ISO 8601 (UTC unless they say otherwise), seconds since 1970, \`now\`, or relative to now
  (\`-7d\`, \`-90m\`). Times in answers are ISO 8601 in UTC. Amounts are exact decimal numbers, written as text.
- Answers about numbers say when and where they stand (\`Quipu-As-Of\`, \`Quipu-Token\`); with \`Quipu-After\` an answer
  waits until it holds what a token stands for: read your writes.`;

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Readonly<Record<string, unknown>> & { readonly title: string; readonly description: string };
  readonly servers: readonly { readonly url: string; readonly description: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, ApiPath>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly parameters: Readonly<Record<string, ApiParameter>>;
    readonly responses: Readonly<Record<string, ApiResponse>>;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly securitySchemes: Readonly<Record<string, unknown>>;
  };
}

const SECURITY_SCHEMES = {
  key: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: `./quipu keys create`, or POST /api/keys.',
  },
  scraper: { type: 'http', scheme: 'bearer', description: 'A key of a scraper or an admin.' },
  anyKey: { type: 'http', scheme: 'bearer', description: 'An API key, whatever the role.' },
  proxmoxToken: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description:
      '`PBSAPIToken=<user>@quipu!<tenant>:<key>`: the user, its tenant’s name and a key of that user.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'User `<tenant>/<user>`, password an API key.' },
  gnocchi: {
    type: 'http',
    scheme: 'basic',
    description: 'The user is the principal’s name, the password its key.',
  },
  cooprUser: { type: 'apiKey', in: 'header', name: 'Coopr-UserID', description: 'The user’s name.' },
  cooprTenant: {
    type: 'apiKey',
    in: 'header',
    name: 'Coopr-TenantID',
    description: 'The name of its tenant.',
  },
  cooprKey: { type: 'apiKey', in: 'header', name: 'Coopr-ApiKey', description: 'A key of that user.' },
};

/** The document of the whole API. @param version of the running server. */
export function openApiDocument(version: string): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Quipu',
      version,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: FRAGMENTS.flatMap(({ tags }) => tags),
    paths: Object.assign({}, ...FRAGMENTS.map(({ paths }) => paths)) as OpenApiDocument['paths'],
    components: {
      schemas: Object.assign(
        { Problem: PROBLEM },
        ...FRAGMENTS.map(({ schemas }) => schemas ?? {}),
      ) as Record<string, JsonSchema>,
      parameters: PARAMETERS,
      responses: PROBLEMS,
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}
