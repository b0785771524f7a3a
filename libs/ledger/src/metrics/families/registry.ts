import { COLLECTION_SIZES, DAYS_LADDER, FILE_COUNTS, FILE_SIZES } from '../buckets.js';
import { ages, distribution, present, values } from '../define.js';
import { type MetricFamily } from '../types.js';

const FLAGS = ['0', '1'];
const flag = (value: boolean): string => (value ? '1' : '0');
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Sum of counts, each a safe integer, exactly. */
function exactSum(counts: readonly number[]): number | bigint {
  let sum = 0;
  for (const value of counts) sum += value;
  return Number.isSafeInteger(sum) ? sum : counts.reduce((total, value) => total + BigInt(value), 0n);
}

/** Debusine's families of what there is: artifacts, users, and everything whose events carry its whole state. */
export const registryFamilies: readonly MetricFamily[] = [
  values({
    name: 'artifacts',
    dialect: 'debusine',
    help: 'Number of Artifacts',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { category: 'artifact_categories', scope: 'scopes' },
    of: { artifact: ({ category, scope }, to) => to.add(1, { category }, scope) },
  }),
  values({
    name: 'artifact_file_size',
    dialect: 'debusine',
    help: 'Total size of files in Artifacts, in bytes',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { category: 'artifact_categories', scope: 'scopes' },
    of: { artifact: ({ category, scope, sizes }, to) => to.add(exactSum(sizes), { category }, scope) },
  }),
  distribution({
    name: 'artifact_file_counts',
    dialect: 'debusine',
    type: 'gaugehistogram',
    help: 'Number of files per Artifact',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: FILE_COUNTS,
    of: { artifact: ({ category, scope, sizes }, to) => to.observe(sizes.length, { category }, scope) },
  }),
  distribution({
    name: 'artifact_file_sizes',
    dialect: 'debusine',
    type: 'gaugehistogram',
    help: 'Size of each file in Artifacts, in bytes',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: FILE_SIZES,
    of: {
      artifact: ({ category, scope, sizes }, to) => {
        const labels = { category };
        for (const size of sizes) to.observe(size, labels, scope);
      },
    },
  }),
  values({
    name: 'quipu_artifact_bytes',
    dialect: 'quipu',
    help: 'Bytes of files in artifacts, each entry of each artifact once.',
    unit: 'bytes',
    labels: ['tenant'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: { artifact: ({ sizes }, to) => to.add(exactSum(sizes), {}) },
  }),
  values({
    name: 'assets',
    dialect: 'debusine',
    help: 'Number of Assets',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { category: 'asset_categories', scope: 'scopes' },
    of: { asset: ({ data, scope }, to) => to.add(1, { category: text(data['category']) }, scope) },
  }),
  values({
    name: 'collections',
    dialect: 'debusine',
    help: 'Number of Collections',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { category: 'collection_categories', scope: 'scopes' },
    of: { collection: ({ data, scope }, to) => to.add(1, { category: text(data['category']) }, scope) },
  }),
  distribution({
    name: 'collection_sizes',
    dialect: 'debusine',
    type: 'gaugehistogram',
    help: 'Number of items per Collection',
    labels: ['category', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: COLLECTION_SIZES,
    of: {
      collection: ({ data: { category, items }, scope }, to) => {
        if (typeof items === 'number') to.observe(items, { category: text(category) }, scope);
      },
    },
  }),
  present({
    name: 'file_store_size',
    dialect: 'debusine',
    help: 'total_size of FileStores',
    labels: ['backend', 'name'],
    tenantLabel: null,
    audience: 'tenant',
    hidden: ['name'],
    of: {
      file_store: ({ id, data: { backend, name, totalSize } }, to) =>
        to.add(count(totalSize), { backend: text(backend), name: text(name ?? id) }),
    },
  }),
  values({
    name: 'file_store_max_size',
    dialect: 'debusine',
    help: 'max_size of FileStores',
    labels: ['backend', 'name'],
    tenantLabel: null,
    audience: 'tenant',
    hidden: ['name'],
    of: {
      file_store: ({ id, data: { backend, name, maxSize } }, to) =>
        to.add(count(maxSize), { backend: text(backend), name: text(name ?? id) }),
    },
  }),
  values({
    name: 'groups',
    dialect: 'debusine',
    help: 'Number of Groups',
    labels: ['ephemeral', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { ephemeral: FLAGS, scope: 'scopes' },
    of: { group: ({ data, scope }, to) => to.add(1, { ephemeral: flag(data['ephemeral'] === true) }, scope) },
  }),
  values({
    name: 'tokens',
    dialect: 'debusine',
    help: 'Number of Tokens',
    labels: ['enabled', 'user', 'worker'],
    tenantLabel: null,
    audience: 'tenant',
    zeroRows: { enabled: FLAGS, user: FLAGS, worker: FLAGS },
    of: {
      token: ({ data: { enabled, user, worker } }, to) =>
        to.add(1, {
          enabled: flag(enabled !== false),
          user: flag(user !== undefined),
          worker: flag(worker !== undefined),
        }),
    },
  }),
  ages({
    name: 'tokens_last_seen',
    dialect: 'debusine',
    help: 'Days since enabled Tokens were last seen',
    labels: ['user', 'worker'],
    tenantLabel: null,
    audience: 'tenant',
    buckets: DAYS_LADDER,
    sums: true,
    of: {
      token: ({ seen, data: { enabled, user, worker } }, to) => {
        if (seen === null || enabled === false) return;
        to.member(seen, { user: flag(user !== undefined), worker: flag(worker !== undefined) });
      },
    },
  }),
  values({
    name: 'users',
    dialect: 'debusine',
    help: 'Number of Users',
    labels: ['active'],
    tenantLabel: null,
    audience: 'tenant',
    zeroRows: { active: FLAGS },
    of: {
      user: ({ record }, to) => {
        if (record !== null && !record.system) to.add(1, { active: flag(record.active) });
      },
    },
  }),
  values({
    name: 'user_identities',
    dialect: 'debusine',
    help: 'Number of User Identities',
    labels: ['active', 'issuer'],
    tenantLabel: null,
    audience: 'tenant',
    zeroRows: { active: FLAGS, issuer: 'issuers' },
    hidden: ['issuer'],
    of: {
      user: ({ record, issuers }, to) => {
        if (record === null) return;
        for (const issuer of issuers) to.add(1, { active: flag(record.active), issuer });
      },
    },
  }),
  ages({
    name: 'user_activity',
    dialect: 'debusine',
    help: 'Number of users who have created a workflow in the bucket',
    labels: ['scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: DAYS_LADDER,
    of: {
      user: ({ activity }, to) => {
        for (const [scope, t] of activity) to.member(t, {}, scope);
      },
    },
  }),
  ages({
    name: 'user_identities_activity',
    dialect: 'debusine',
    help: 'Number of SSO Users who have created a workflow in the bucket',
    labels: ['issuer', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    buckets: DAYS_LADDER,
    hidden: ['issuer'],
    of: {
      user: ({ issuers, activity }, to) => {
        for (const issuer of new Set(issuers))
          for (const [scope, t] of activity) to.member(t, { issuer }, scope);
      },
    },
  }),
  values({
    name: 'workflow_templates',
    dialect: 'debusine',
    help: 'Number of WorkflowTemplates',
    labels: ['task_name', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { task_name: 'workflow_names', scope: 'scopes' },
    hidden: ['task_name'],
    of: {
      workflow_template: ({ data, scope }, to) => to.add(1, { task_name: text(data['taskName']) }, scope),
    },
  }),
  values({
    name: 'workspaces',
    dialect: 'debusine',
    help: 'Number of Workspaces',
    labels: ['private', 'expires', 'scope'],
    tenantLabel: 'scope',
    audience: 'tenant',
    zeroRows: { private: FLAGS, expires: FLAGS, scope: 'scopes' },
    of: {
      workspace: ({ data, scope }, to) => {
        const labels = { private: flag(data['private'] !== false), expires: flag(data['expires'] === true) };
        to.add(1, labels, scope);
      },
    },
  }),
  values({
    name: 'quipu_tenants',
    dialect: 'quipu',
    help: 'Tenants.',
    labels: ['enabled'],
    tenantLabel: null,
    audience: 'platform',
    of: { tenant: ({ data }, to) => to.add(1, { enabled: flag(data['enabled'] !== false) }) },
  }),
  values({
    name: 'quipu_events',
    dialect: 'quipu',
    type: 'counter',
    help: 'Events in the ledger, by type.',
    labels: ['tenant', 'type'],
    tenantLabel: 'tenant',
    audience: 'tenant',
    of: { event_type: ({ type, n }, to) => to.add(n, { type }) },
  }),
];
