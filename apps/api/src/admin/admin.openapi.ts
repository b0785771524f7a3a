import { ROLES } from '@quipu/access';
import { MAX_ATTRIBUTE_LENGTH, MAX_NAME_LENGTH, TENANT_PATTERN } from '@quipu/contracts';
import type { ApiFragment, ApiOperation } from '../openapi/fragment.js';
import {
  BY_KEY,
  csv,
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
import { DEFAULT_GRACE_SECONDS, MAX_GRACE_SECONDS } from './admin-parameters.js';

const ID = '0b9f6f0c-6a3e-4a3c-9a43-0b8f3a8b6a51';
const TENANT = { id: 't-7f3a', name: 'globex', created: '2026-03-02T12:00:00.000Z', origin: 'admin' };
const KEY = {
  ...{ id: ID, tenant: 'acme', principal: 'service', role: 'reporter', label: 'build farm', state: 'valid' },
  ...{ created: '2026-03-02T12:00:00.000Z', expires: null, revoked: null, sourcePrefix: 'acme/' },
};
const OLD_KEY = { ...KEY, id: 'c1d0c7be-4f77-4d4c-8f3e-7a6a3f0f1b11', expires: '2026-03-03T12:00:00.000Z' };
const SECRET = 'qk_…';
const TEXT = { type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH };
const EXPIRES = {
  type: ['string', 'number'],
  description: 'ISO 8601, seconds since 1970, or relative (+90d).',
};

const KEY_MEMBERS = {
  id: { type: 'string', format: 'uuid' },
  tenant: { type: 'string' },
  principal: { type: 'string' },
  role: { type: 'string', enum: ROLES },
  label: { type: 'string' },
  state: { type: 'string', enum: ['valid', 'expired', 'revoked'] },
  created: INSTANT,
  expires: INSTANT_OR_NULL,
  revoked: INSTANT_OR_NULL,
  sourcePrefix: {
    type: ['string', 'null'],
    description: 'A reporter may only send events whose source begins so.',
  },
};
const SHOWN_ONCE = { type: 'string', description: 'The secret. It is shown this once and stored nowhere.' };

const keyId = pathParameter('id', 'Id of the key. One of another tenant is 404, as an unknown one.', ID);

const revoke = (operationId: string, summary: string): ApiOperation => ({
  ...{ tags: ['Administration'], operationId, summary, security: BY_KEY, parameters: [keyId] },
  description: 'At once and for good. Revoking it again changes nothing and is no error.',
  responses: {
    200: {
      description: 'The key, revoked.',
      content: json(schemaOf('Key'), { ...KEY, state: 'revoked', revoked: '2026-03-02T13:00:00.000Z' }),
    },
    ...problems(400, 401, 403, 404, 429, 503),
  },
});

/** `/api/tenants`, `/api/keys` and `/api/audit` in the document. */
export const adminApi: ApiFragment = {
  tags: [{ name: 'Administration', description: 'Tenants, keys, and who did what.' }],
  schemas: {
    Tenant: object({
      id: { type: 'string', pattern: TENANT_PATTERN.source, description: 'What events carry.' },
      name: { type: 'string', description: 'What people and the Coopr dialect use.' },
      created: INSTANT,
      origin: { type: 'string', enum: ['system', 'admin', 'event'] },
    }),
    Key: object(KEY_MEMBERS),
    NewKey: object({ ...KEY_MEMBERS, key: SHOWN_ONCE }),
    RotatedKey: object({ ...KEY_MEMBERS, key: SHOWN_ONCE, replaces: schemaOf('Key') }),
    AuditRow: object({
      id: { type: 'integer' },
      at: INSTANT,
      actor: { type: 'string', description: '`<tenant>/<principal>`, or `system`.' },
      action: { type: 'string' },
      detail: { type: 'object' },
    }),
  },
  paths: {
    '/api/tenants': {
      get: {
        ...{ tags: ['Administration'], operationId: 'listTenants', summary: 'Tenants', security: BY_KEY },
        description: 'Superadmins see all, admins their own.',
        parameters: PAGED,
        responses: {
          200: {
            description: 'One page, ordered by id.',
            headers: LINK,
            content: {
              ...json(page(schemaOf('Tenant')), { data: [TENANT], next: null }),
              ...csv('id,name,created,origin\r\nt-7f3a,globex,2026-03-02T12:00:00.000Z,admin\r\n'),
            },
          },
          ...problems(400, 401, 403, 429, 503),
        },
      },
      post: {
        ...{
          tags: ['Administration'],
          operationId: 'createTenant',
          summary: 'Create a tenant',
          security: BY_KEY,
        },
        description: 'For superadmins. A tenant is never renamed or deleted.',
        requestBody: {
          required: true,
          description: 'Its id, and what people call it.',
          content: json(
            object(
              {
                id: { type: 'string', pattern: TENANT_PATTERN.source },
                name: { ...TEXT, description: 'Default: the id.' },
              },
              ['name'],
            ),
            { id: 't-7f3a', name: 'globex' },
          ),
        },
        responses: {
          201: { description: 'The tenant.', content: json(schemaOf('Tenant'), TENANT) },
          ...problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    '/api/keys': {
      get: {
        ...{ tags: ['Administration'], operationId: 'listKeys', summary: 'Keys', security: BY_KEY },
        description: 'Superadmins see all, admins those of their tenant; revoked and expired ones included.',
        parameters: [
          parameterOf('tenant'),
          queryParameter('principal', 'Only keys of this principal.', 'service'),
          ...PAGED,
        ],
        responses: {
          200: {
            description: 'One page, newest first.',
            headers: LINK,
            content: {
              ...json(page(schemaOf('Key')), { data: [KEY], next: null }),
              ...csv(
                'id,tenant,principal,role,label,state,created,expires,revoked,sourcePrefix\r\n' +
                  `${ID},acme,service,reporter,build farm,valid,2026-03-02T12:00:00.000Z,,,acme/\r\n`,
              ),
            },
          },
          ...problems(400, 401, 403, 404, 429, 503),
        },
      },
      post: {
        ...{ tags: ['Administration'], operationId: 'createKey', summary: 'Make a key', security: BY_KEY },
        description:
          'Superadmins make every key; admins those of their tenant, superadmins excepted. A principal that is new ' +
          'comes into being with the role; one that exists keeps its own.',
        requestBody: {
          required: true,
          description: 'Whose key it is and what it is for.',
          content: json(
            object(
              {
                tenant: {
                  ...TEXT,
                  description: 'Its id, else its name; default: the caller’s. Superadmins must say.',
                },
                principal: { ...TEXT, description: 'Whose key it is: a person or a program.' },
                role: { type: 'string', enum: ROLES, description: 'Needed when the principal is new.' },
                label: { ...TEXT, description: 'What the key is for.' },
                expires: EXPIRES,
                sourcePrefix: {
                  ...TEXT,
                  maxLength: MAX_ATTRIBUTE_LENGTH,
                  description: 'For a new reporter.',
                },
              },
              ['tenant', 'role', 'label', 'expires', 'sourcePrefix'],
            ),
            {
              ...{
                tenant: 'acme',
                principal: 'service',
                role: 'reporter',
                label: 'build farm',
                expires: '+90d',
              },
              sourcePrefix: 'acme/',
            },
          ),
        },
        responses: {
          201: {
            description: 'The key, with its secret.',
            content: json(schemaOf('NewKey'), { ...KEY, key: SECRET }),
          },
          ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    '/api/keys/{id}/rotate': {
      post: {
        ...{ tags: ['Administration'], operationId: 'rotateKey', summary: 'Rotate a key', security: BY_KEY },
        description:
          'Makes a new key of the same principal and label; the old one works on for the grace, so that its holders ' +
          'change over without a gap. The new key expires when told, else as long from now as the old one was made for.',
        parameters: [keyId],
        requestBody: {
          required: false,
          description: 'How long the old key works on, and when the new one expires.',
          content: json(
            object(
              {
                graceSeconds: {
                  ...{
                    type: 'integer',
                    minimum: 0,
                    maximum: MAX_GRACE_SECONDS,
                    default: DEFAULT_GRACE_SECONDS,
                  },
                },
                expires: EXPIRES,
              },
              ['graceSeconds', 'expires'],
            ),
            { graceSeconds: 86_400 },
          ),
        },
        responses: {
          201: {
            description: 'The new key, with its secret, and the old one with its last day.',
            content: json(schemaOf('RotatedKey'), { ...KEY, key: SECRET, replaces: OLD_KEY }),
          },
          ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
        },
      },
    },
    '/api/keys/{id}/revoke': { post: revoke('revokeKey', 'Revoke a key') },
    '/api/keys/{id}': { delete: revoke('deleteKey', 'Revoke a key, as DELETE') },
    '/api/audit': {
      get: {
        ...{ tags: ['Administration'], operationId: 'listAudit', summary: 'The audit', security: BY_KEY },
        description:
          'Who administered what, and who read across tenants (the first such read of each hour, per actor, route and ' +
          'tenant). For superadmins.',
        parameters: [
          queryParameter('actor', 'Only what this actor did.', 'acme/admin'),
          queryParameter('action', 'Only this action.', 'key.created'),
          ...PAGED,
        ],
        responses: {
          200: {
            description: 'One page, newest first.',
            headers: LINK,
            content: {
              ...json(page(schemaOf('AuditRow')), {
                data: [
                  {
                    ...{ id: 7, at: '2026-03-02T13:00:00.000Z', actor: 'acme/admin', action: 'key.revoked' },
                    detail: { key: ID, tenant: 'acme', principal: 'service', role: 'reporter' },
                  },
                ],
                next: null,
              }),
              ...csv(
                'id,at,actor,action,detail\r\n' +
                  '7,2026-03-02T13:00:00.000Z,acme/admin,key.revoked,"{""tenant"":""acme""}"\r\n',
              ),
            },
          },
          ...problems(400, 401, 403, 429, 503),
        },
      },
    },
  },
};
