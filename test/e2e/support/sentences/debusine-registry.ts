import { DAY } from '../small-events.js';
import { buckets, type Sentence, told, type Told } from './told.js';

const DAYS = ['1', '3', '7', '14', '30', '90', '365', '+Inf'];
const FILES = 'category="c",scope="$T"';

const workflow = (id: string, ago: number, data: object = { user: 'u' }): Told =>
  told('workflow.created', `workflow/${id}`, data, ago);
const activity = (...counts: number[]): string[] =>
  buckets('user_activity', '', 'scope="$T"', counts.map((count, i) => `${DAYS[i]}:${count}`).join(' '));
const artifact = (id: string, data: object, ago = 60_000): Told =>
  told('artifact.created', `artifact/${id}`, data, ago);

/** Of Debusine’s contract: what there is, and how active it is. */
export const REGISTRY_SENTENCES: readonly Sentence[] = [
  {
    what: 'an artifact without files counts, with no bytes and no files',
    events: [artifact('1', { category: 'c' })],
    has: [
      ...[
        `artifacts{${FILES}} 1`,
        `artifact_file_counts_sum{${FILES}} 0`,
        `artifact_file_counts_count{${FILES}} 1`,
      ],
      'artifact_file_counts_bucket{category="c",le="1",scope="$T"} 1',
    ],
    lacks: ['artifact_file_sizes_bucket{category="c"'],
  },
  {
    what: 'sizes of files are counted up to and with each bound, and per link',
    events: [
      artifact('1', {
        category: 'c',
        files: [0, 1024, 1025, 4096, 4 ** 16, 4 ** 16 + 1].map((size) => ({ size })),
      }),
      artifact('2', { category: 'c', files: [{ size: 1024, sha256: 'a' }] }),
    ],
    has: [
      ...buckets(
        'artifact_file_sizes',
        'category="c"',
        'scope="$T"',
        '1024:3 4096:5 16384:5 4294967296:6 +Inf:7',
      ),
      `artifact_file_sizes_count{${FILES}} 7`,
      `artifact_file_sizes_sum{${FILES}} ${1024 * 2 + 1025 + 4096 + 2 * 4 ** 16 + 1}`,
      `artifact_file_size{${FILES}} ${1024 * 2 + 1025 + 4096 + 2 * 4 ** 16 + 1}`,
    ],
  },
  {
    what: 'numbers of files are counted up to and with each bound',
    events: [1, 2, 3, 5, 10, 50, 100, 101, 1000, 1001].map((n) =>
      artifact(String(n), { category: 'c', files: Array.from({ length: n }, () => ({ size: 0 })) }),
    ),
    has: buckets(
      'artifact_file_counts',
      'category="c"',
      'scope="$T"',
      '1:1 2:2 5:4 10:5 50:6 100:7 1000:9 +Inf:10',
    ),
  },
  {
    what: 'bytes beyond 2^63 are exact',
    events: [0, 1, 2].map((i) =>
      artifact(String(i), {
        category: 'c',
        files: Array.from({ length: 1999 }, () => ({ size: Number.MAX_SAFE_INTEGER })),
      }),
    ),
    has: [`artifact_file_size{${FILES}} ${3n * 1999n * BigInt(Number.MAX_SAFE_INTEGER)}`],
  },
  {
    what: 'a deleted artifact leaves a row of zeros, and only where the category is known; nothing revives it',
    events: [
      artifact('1', { category: 'debian:upload', files: [{ size: 5 }] }, 90_000),
      artifact('2', { category: 'c', files: [{ size: 5 }] }, 90_000),
      ...['1', '2'].map((id) => told('artifact.deleted', `artifact/${id}`, {}, 80_000)),
      artifact('1', { category: 'debian:upload', files: [{ size: 5 }] }, 1_000),
    ],
    has: [
      'artifacts{category="debian:upload",scope="$T"} 0',
      'artifact_file_size{category="debian:upload",scope="$T"} 0',
    ],
    lacks: ['artifacts{category="c"', 'artifact_file_size{category="c"', 'artifact_file_sizes_count'],
  },
  {
    what: 'an artifact that is told again is in its new category and scope alone',
    events: [
      artifact('1', { category: 'debian:upload', files: [{ size: 5 }] }, 90_000),
      artifact('1', { category: 'debian:blhc', scope: 'elsewhere' }, 80_000),
    ],
    has: [
      'artifacts{category="debian:upload",scope="$T"} 0',
      'artifacts{category="debian:blhc",scope="elsewhere"} 1',
      'artifacts{category="debian:blhc",scope="$T"} 0',
    ],
  },
  {
    what: 'assets have rows of zeros for categories that lie in scopes; one in no scope has the empty scope',
    events: [told('asset.set', 'asset/1', { category: 'debusine:cloud-provider-account', scope: '' })],
    has: [
      'assets{category="debusine:cloud-provider-account",scope=""} 1',
      'assets{category="debusine:signing-key",scope="$T"} 0',
    ],
    lacks: ['assets{category="debusine:cloud-provider-account",scope="$T"}'],
  },
  {
    what: 'an asset that is removed leaves its row of zeros',
    events: [
      told('asset.set', 'asset/1', { category: 'debusine:signing-key' }),
      told('asset.set', 'asset/2', { category: 'debusine:signing-key' }),
      told('asset.removed', 'asset/2', {}, 1_000),
    ],
    has: ['assets{category="debusine:signing-key",scope="$T"} 1'],
  },
  {
    what: 'collections have rows of zeros for every registered category, and others count as well',
    events: [told('collection.set', 'collection/1', { category: 'my:own', items: 3 })],
    has: [
      'collections{category="my:own",scope="$T"} 1',
      ...['debian:archive', 'debian:suite', 'debusine:test', 'debian:package-build-logs'].map(
        (category) => `collections{category="${category}",scope="$T"} 0`,
      ),
    ],
  },
  {
    what: 'sizes of collections: an empty one is in the first bucket, one of unknown size in none',
    events: [0, 1, 10, 11, 1_000_000, 1_000_001, undefined].map((items, i) =>
      told('collection.set', `collection/${i}`, { category: 'c', ...(items === undefined ? {} : { items }) }),
    ),
    has: [
      ...[
        `collections{${FILES}} 7`,
        `collection_sizes_count{${FILES}} 6`,
        `collection_sizes_sum{${FILES}} 2000023`,
      ],
      ...buckets(
        'collection_sizes',
        'category="c"',
        'scope="$T"',
        '1:2 10:3 100:4 100000:4 1000000:5 +Inf:6',
      ),
    ],
  },
  {
    what: 'groups are not ephemeral unless they say so, and lie in their scope',
    events: [
      told('group.set', 'group/1'),
      told('group.set', 'group/2', { ephemeral: true }),
      told('group.set', 'group/3', { ephemeral: true, scope: 'x' }),
    ],
    has: [
      ...['groups{ephemeral="0",scope="$T"} 1', 'groups{ephemeral="1",scope="$T"} 1'],
      'groups{ephemeral="1",scope="x"} 1',
    ],
  },
  {
    what: 'tokens have all eight rows, whether there are any or not',
    events: [
      told('token.set', 'token/1', {}, 90_000),
      told('token.set', 'token/1', { enabled: false, user: 'u', worker: 'w' }),
      told('token.set', 'token/2', { worker: 'w' }),
      told('token.set', 'token/3', { user: 'u' }),
      told('token.removed', 'token/3'),
    ],
    has: ['000 0', '001 0', '010 0', '011 1', '100 0', '101 1', '110 0', '111 0'].map(
      ([enabled, user, worker, , n]) => `tokens{enabled="${enabled}",user="${user}",worker="${worker}"} ${n}`,
    ),
  },
  {
    what: 'tokens last seen: those that are enabled and were ever seen, in days, with sum and count',
    events: [
      ...[1, 2, 3, 4].map((i) =>
        told('token.set', `token/${i}`, i === 4 ? { enabled: false } : { user: 'u' }),
      ),
      told('token.seen', 'token/1', {}, DAY),
      told('token.seen', 'token/1', {}, 5 * DAY),
      told('token.seen', 'token/2', {}, 1.5 * DAY),
      told('token.seen', 'token/4', {}, DAY),
    ],
    has: [
      ...buckets('tokens_last_seen', '', 'user="1",worker="0"', '1:1 3:2 +Inf:2'),
      'tokens_last_seen_sum{user="1",worker="0"} 2.5',
      'tokens_last_seen_count{user="1",worker="0"} 2',
    ],
    lacks: ['tokens_last_seen_count{user="0"'],
  },
  {
    what: 'users: the platform’s own accounts and the removed are left out, and both rows are always there',
    events: [
      told('user.set', 'user/a'),
      told('user.set', 'user/b', { active: true, system: true }),
      told('user.set', 'user/c'),
      told('user.removed', 'user/c'),
    ],
    has: ['users{active="1"} 1', 'users{active="0"} 0'],
  },
  {
    what: 'identities: those of a user, under whether that user is active now',
    events: [
      told('user.set', 'user/a', {}, 90_000),
      told('user.set', 'user/a', { active: false }),
      told('user.set', 'user/b'),
      ...['a', 'b', 'b', 'nobody', undefined].map((user, i) =>
        told('identity.set', `identity/${i}`, { issuer: 'salsa', ...(user === undefined ? {} : { user }) }),
      ),
      told('identity.set', 'identity/x', { issuer: 'other', user: 'b' }),
      told('identity.removed', 'identity/x'),
    ],
    has: ['user_identities{active="0",issuer="salsa"} 1', 'user_identities{active="1",issuer="salsa"} 2'],
    lacks: ['user_identities{active="1",issuer="other"', 'user_identities{active="1",issuer=""'],
  },
  {
    what: 'activity counts each creator once, by the last root workflow, up to and with each bound',
    events: [
      workflow('1', DAY),
      workflow('2', 9 * DAY),
      workflow('4', DAY + 1, { user: 'v' }),
      workflow('5', 365 * DAY, { user: 'w' }),
      workflow('6', 365 * DAY + 1, { user: 'x' }),
    ],
    has: activity(1, 2, 2, 2, 2, 2, 3, 4),
    lacks: ['user_activity_sum', 'user_activity_count', 'user_identities_activity'],
  },
  {
    what: 'workflows with a parent, and those of nobody, are no activity',
    events: [
      workflow('1', DAY, { user: 'u', parent: 'p' }),
      workflow('2', DAY, {}),
      told('user.set', 'user/idle'),
    ],
    has: [],
    lacks: ['user_activity_bucket'],
  },
  {
    what: 'activity lies in the scope of the workflow, and one ahead of the clock is in the first bucket',
    events: [workflow('1', -100_000, { user: 'u', scope: 'x' }), workflow('2', 2 * DAY)],
    has: [...activity(0, 1, 1, 1, 1, 1, 1, 1), 'user_activity_bucket{le="1",scope="x"} 1'],
  },
  {
    what: 'activity of identities: each issuer of a creator once, and no row for who has none',
    events: [
      ...['a', 'b'].map((user, i) => workflow(user, (i + 1) * DAY, { user })),
      told('identity.set', 'identity/1', { issuer: 'salsa', user: 'a' }),
      told('identity.set', 'identity/2', { issuer: 'salsa', user: 'a' }),
      told('identity.set', 'identity/3', { issuer: 'other', user: 'a' }),
      told('identity.set', 'identity/4', { issuer: 'salsa' }),
    ],
    has: [
      'user_identities_activity_bucket{issuer="salsa",le="1",scope="$T"} 1',
      'user_identities_activity_bucket{issuer="salsa",le="+Inf",scope="$T"} 1',
      'user_identities_activity_bucket{issuer="other",le="1",scope="$T"} 1',
      'user_activity_bucket{le="3",scope="$T"} 2',
    ],
    lacks: ['user_identities_activity_bucket{issuer=""', 'user_identities_activity_sum'],
  },
  {
    what: 'a user that is removed is active no more',
    events: [workflow('1', DAY), told('user.set', 'user/u'), told('user.removed', 'user/u')],
    has: ['users{active="1"} 0'],
    lacks: ['user_activity_bucket'],
  },
  {
    what: 'workflow templates have rows of zeros for every registered workflow',
    events: [
      told('workflow_template.set', 'workflow_template/1', { taskName: 'noop' }),
      told('workflow_template.set', 'workflow_template/2', { taskName: 'my_own' }),
      told('workflow_template.set', 'workflow_template/3', { taskName: 'my_own' }),
      told('workflow_template.removed', 'workflow_template/3'),
    ],
    has: [
      'workflow_templates{scope="$T",task_name="noop"} 1',
      'workflow_templates{scope="$T",task_name="sbuild"} 0',
      'workflow_templates{scope="$T",task_name="my_own"} 1',
    ],
  },
  {
    what: 'workspaces are private unless they are public, and say which expire',
    events: [
      told('workspace.set', 'workspace/System', { private: false }),
      told('workspace.set', 'workspace/a', { expires: true }),
      told('workspace.set', 'workspace/b', { private: true }),
      told('workspace.set', 'workspace/c', { private: true, expires: false }),
    ],
    has: ['00 1', '01 0', '10 2', '11 1'].map(
      ([p, e, , n]) => `workspaces{expires="${e}",private="${p}",scope="$T"} ${n}`,
    ),
  },
  {
    what: 'file stores have a row each, and one of their greatest size if they have any',
    events: [
      told('file_store.set', 'file_store/empty', { backend: 'Local' }),
      told('file_store.set', 'file_store/x', { backend: 'S3', name: 'Default', totalSize: 7, maxSize: 0 }),
      told('file_store.set', 'file_store/full', {
        backend: 'S3',
        totalSize: 2 ** 53 - 1,
        maxSize: 2 ** 53 - 1,
      }),
      told('file_store.set', 'file_store/gone', { backend: 'S3', totalSize: 1, maxSize: 2 }),
      told('file_store.removed', 'file_store/gone'),
    ],
    has: [
      'file_store_size{backend="Local",name="empty"} 0',
      'file_store_size{backend="S3",name="Default"} 7',
      'file_store_size{backend="S3",name="full"} 9007199254740991',
      'file_store_max_size{backend="S3",name="full"} 9007199254740991',
    ],
    lacks: [
      ...['file_store_size{backend="S3",name="gone"', 'file_store_max_size{backend="S3",name="gone"'],
      ...['file_store_max_size{backend="Local"', 'file_store_max_size{backend="S3",name="Default"'],
    ],
  },
];
