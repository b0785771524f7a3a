import { z } from 'zod';
import { type Data, define, PLATFORM_TENANT, type PastVersion } from './definition.js';
import * as field from './fields.js';

/** `<kind>.set`: the whole state of an entity as of the event's time; what it does not say has its default. */
function set<S extends z.ZodRawShape>(
  kind: string,
  what: string,
  fields: S,
  more: { defaultTenant?: string; past?: readonly PastVersion[] } = {},
) {
  const summary = `${what} exists, and this is all of its state.`;
  return define({ kind, summary, fields, ...more });
}

/** `<kind>.removed`: a tombstone. */
function removed(kind: string, what: string, defaultTenant?: string) {
  const summary = `${what} is gone for good; a later \`${kind}.set\` does not bring it back.`;
  return define({ kind, summary, fields: {}, ...(defaultTenant === undefined ? {} : { defaultTenant }) });
}

const scope = field.scope('Scope it lies in, empty for none; the tenant if absent.');
const workspace = field.name('Workspace it lies in.');
const shownName = field.name('Name to show; the id if absent.');
const owner = (what: string) => field.name(`User ${what}.`);
const category = (example: string) => field.required(field.name(`Category, such as \`${example}\`.`));

const collectionFields = {
  category: category('debian:suite'),
  name: shownName,
  scope,
  workspace,
};
const collectionItems = field.count(
  'Items in it; if absent, its size is not known and counts nowhere.',
  'items',
);

function withItems(data: Data): Data {
  const { items, ...others } = data;
  return items !== undefined && collectionItems.safeParse(items).success ? data : others;
}

/** Who and what there is: entities whose events carry their whole state. */
export const registryEvents = {
  'tenant.set': set('tenant', 'A tenant (a scope)', {
    name: shownName,
    enabled: field.flag(
      'Whether it is enabled where it comes from; true if absent. Counted only: keys do not depend on it.',
    ),
  }),
  'tenant.removed': removed('tenant', 'The tenant'),
  'user.set': set('user', 'A user', {
    name: shownName,
    active: field.flag('Whether they may sign in; true if absent.'),
    system: field.flag(
      'Whether it is an account of the platform itself, left out of counts; false if absent.',
    ),
  }),
  'user.removed': removed('user', 'The user'),
  'identity.set': set('identity', 'An identity at a sign-on provider', {
    issuer: field.required(field.name('The provider.')),
    user: owner('it signs in as; absent while it belongs to nobody'),
  }),
  'identity.removed': removed('identity', 'The identity'),
  'group.set': set('group', 'A group', {
    name: shownName,
    ephemeral: field.flag('Whether it goes away by itself; false if absent.'),
    scope,
  }),
  'group.removed': removed('group', 'The group'),
  'token.set': set('token', 'An access token', {
    enabled: field.flag('Whether it is honoured; true if absent.'),
    user: owner('it acts for, if any'),
    worker: field.reference('worker', 'Worker it belongs to, if any.'),
  }),
  'token.removed': removed('token', 'The token'),
  'token.seen': define({ kind: 'token', summary: 'The token was used.', fields: {} }),
  'workspace.set': set('workspace', 'A workspace', {
    name: shownName,
    scope,
    private: field.flag('Whether only its members may look; true if absent.'),
    expires: field.flag('Whether it has an expiry; false if absent.'),
  }),
  'workspace.removed': removed('workspace', 'The workspace'),
  'collection.set': set(
    'collection',
    'A collection',
    { ...collectionFields, items: collectionItems },
    // Version 1 knew nothing of items: whatever stands there is kept only if it can be a count.
    { past: [{ schema: z.looseObject(collectionFields), toNext: withItems }] },
  ),
  'collection.removed': removed('collection', 'The collection'),
  'asset.set': set('asset', 'An asset', { category: category('debusine:signing-key'), scope, workspace }),
  'asset.removed': removed('asset', 'The asset'),
  'workflow_template.set': set('workflow_template', 'A workflow template', {
    taskName: field.required(field.name('What its workflows do, such as `sbuild`.')),
    name: shownName,
    scope,
    workspace,
  }),
  'workflow_template.removed': removed('workflow_template', 'The template'),
  'file_store.set': set(
    'file_store',
    'A file store',
    {
      name: shownName,
      backend: field.required(field.name('Kind of storage, such as `Local`, `S3`.')),
      totalSize: field.count('Bytes it holds, each file once; 0 if absent.', 'bytes'),
      maxSize: field.count('Bytes it may hold; no limit if absent or 0.', 'bytes'),
      softMaxSize: field.count('Bytes above which it is to be emptied; none if absent or 0.', 'bytes'),
    },
    { defaultTenant: PLATFORM_TENANT },
  ),
  'file_store.removed': removed('file_store', 'The file store', PLATFORM_TENANT),
};
