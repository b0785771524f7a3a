import { type EntityKey, type EntityKind, type Link } from '../types.js';
import { type RecordKindName, recordKind, type RecordState, type RecordView } from './record.js';

/** An identity tells its user of itself: labels that depend on the user are the user's to contribute. */
function identityLinks(key: EntityKey, { data }: RecordView): Link[] {
  const { user, issuer } = data;
  if (typeof user !== 'string' || typeof issuer !== 'string') return [];
  const target: EntityKey = { tenant: key.tenant, kind: 'user', id: `user/${user}` };
  return [{ target, name: JSON.stringify([key.id, issuer]) }];
}

/** The kinds of records, and the fields that something is made of. */
export const recordKinds: { readonly [K in RecordKindName]: EntityKind<RecordState> } = {
  identity: recordKind('identity', ['issuer', 'user'], identityLinks),
  group: recordKind('group', ['ephemeral', 'scope']),
  token: recordKind('token', ['enabled', 'user', 'worker']),
  workspace: recordKind('workspace', ['private', 'expires', 'scope']),
  collection: recordKind('collection', ['category', 'scope', 'items']),
  asset: recordKind('asset', ['category', 'scope']),
  workflow_template: recordKind('workflow_template', ['taskName', 'scope']),
  file_store: recordKind('file_store', ['name', 'backend', 'totalSize', 'maxSize']),
  tenant: recordKind('tenant', ['enabled']),
  worker_pool: recordKind('worker_pool', []),
};
