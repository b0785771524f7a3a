import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { draft, EPOCH, instant, maybe, moment, type Draft } from './drafts.js';

const user = fc.constantFrom('ann', 'bob');
/** No scope, the tenant's own, none at all, another tenant's. */
const scope = maybe(fc.constantFrom('', 'acme', 'superadmin', 'größe|{"}'), 1);
const category = fc.constantFrom('debian:suite', 'größe|{"}', '\u{1F9F6}');
const flag = maybe(fc.boolean(), 1);
const name = maybe(fc.constantFrom('Anna', 'Store'), 2);
const count = maybe(fc.constantFrom(0, 1, 2, 10, 11, 1_000_000, 1_000_001, 2 ** 53 - 1), 1);

/** Most states of an entity are told at the same few instants: who comes last is then decided by the order of facts. */
const told = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(EPOCH, EPOCH + 1) },
  { weight: 1, arbitrary: instant },
);

type Fields = Record<string, fc.Arbitrary<unknown>>;

/** Whole states of an entity, one after the other, and a tombstone now and then. */
function record(kind: string, fields: Fields, others: readonly fc.Arbitrary<Draft>[] = []) {
  const type = (what: string) => fc.constant(`${kind}.${what}` as EventType);
  return fc.array(
    fc.oneof(
      { weight: 8, arbitrary: draft(type('set'), told, fc.record(fields)) },
      { weight: 1, arbitrary: draft(type('removed'), told, fc.constant({})) },
      ...others.map((arbitrary) => ({ weight: 6, arbitrary })),
    ),
    { minLength: 1, maxLength: 4 },
  );
}

const seen = draft(fc.constant<EventType>('token.seen'), told, fc.constant({}));

/** The events of one record of each kind. */
export const records = {
  tenant: record('tenant', { enabled: flag, name }),
  user: record('user', { active: flag, system: flag, name }),
  identity: record('identity', { issuer: fc.constantFrom('salsa', 'größe|{"}'), user: maybe(user, 4) }),
  group: record('group', { ephemeral: flag, scope, name }),
  token: record('token', { enabled: flag, user: maybe(user), worker: maybe(fc.constant('w1')) }, [seen]),
  workspace: record('workspace', { private: flag, expires: flag, scope, name }),
  collection: record('collection', { category, scope, items: count }),
  asset: record('asset', { category, scope }),
  workflow_template: record('workflow_template', { taskName: fc.constantFrom('sbuild', 'lintian'), scope }),
  file_store: record('file_store', {
    backend: fc.constantFrom('Local', 'S3'),
    name,
    totalSize: count,
    maxSize: count,
    softMaxSize: count,
  }),
  worker_pool: record('worker_pool', { enabled: flag, runtimeLimit: maybe(fc.constant(3600)) }),
};

const size = fc.oneof(
  fc.constantFrom(0, 1, 1024, 1025, 4096, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1),
  fc.integer({ min: 0, max: 100_000 }),
);
const artifactFields = {
  category,
  scope,
  files: maybe(fc.array(fc.record({ path: fc.constant('f'), size }), { maxLength: 6 }), 4),
};

/** The events of one artifact. */
export const artifact: fc.Arbitrary<Draft[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: draft(fc.constant<EventType>('artifact.created'), told, fc.record(artifactFields)),
    },
    { weight: 1, arbitrary: draft(fc.constant<EventType>('artifact.deleted'), told, fc.constant({})) },
  ),
  { minLength: 1, maxLength: 3 },
);

/** The events of one workflow: whoever began it was active. */
export const workflow: fc.Arbitrary<Draft[]> = fc.array(
  draft(
    fc.constant<EventType>('workflow.created'),
    told,
    fc.record({ user: maybe(user, 6), parent: maybe(fc.constant('1'), 1), scope }),
  ),
  { minLength: 1, maxLength: 3 },
);

/** The reports of one host. */
export const host: fc.Arbitrary<Draft[]> = fc.array(
  draft(
    fc.constant<EventType>('host.reported'),
    told,
    fc.record({
      name,
      online: flag,
      lastRunAt: maybe(instant.map(moment), 2),
      lastRunOutcome: maybe(fc.constantFrom('success', 'failure', 'error', 'skipped'), 2),
      repositoryBytes: count,
      snapshots: count,
      repositoryStatus: maybe(fc.constantFrom('unknown', 'ready', 'init_failed'), 2),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

const alertFields = {
  host: maybe(fc.constantFrom('h1', 'h2', 'nowhere'), 3),
  severity: fc.constantFrom('warning', 'critical'),
};

/** The events of one alert. */
export const alert: fc.Arbitrary<Draft[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: draft(fc.constant<EventType>('alert.opened'), told, fc.record(alertFields)),
    },
    {
      weight: 1,
      arbitrary: draft(
        fc.constant<EventType>('alert.closed'),
        told,
        fc.record({ ...alertFields, severity: maybe(alertFields.severity, 1) }),
      ),
    },
  ),
  { minLength: 1, maxLength: 4 },
);

/** What a reporter says about itself: it is counted, and nothing more. */
export const reporter: fc.Arbitrary<Draft[]> = fc.array(
  draft(fc.constant<EventType>('reporter.dropped'), told, fc.record({ events: fc.constant(3) })),
  { minLength: 1, maxLength: 2 },
);
