import type { LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { toEvents, type Draft, type EntityDraft } from './drafts.js';
import { instance, node, worker } from './fleet.js';
import { job } from './jobs.js';
import { alert, artifact, host, records, reporter, workflow } from './registry.js';
import { shifts } from './shifts.js';

/** Tenants that worlds have; workers live in the last two of them only, jobs and nodes in all. */
export const TENANTS = ['acme', 'umbrella', 'superadmin'] as const;

const SUBJECTS = {
  job: ['job/build/1@1709251190000', 'job/2', 'job/größe/3'],
  node: ['node/k1/a', 'node/k2/b', 'node/lone', 'node/k1/deep/er', 'node//x', 'node/k1/'],
  worker: ['worker/w1', 'worker/w2'],
} as const;

function entity(
  subjects: readonly string[],
  tenants: readonly string[],
  drafts: fc.Arbitrary<Draft[]>,
): fc.Arbitrary<EntityDraft> {
  return fc.record({
    tenant: fc.constantFrom(...tenants),
    subject: fc.constantFrom(...subjects),
    drafts,
  });
}

/** A shift of a worker, with or without what a sweeper made of its silence and what came to light later. */
const shift: fc.Arbitrary<EntityDraft[]> = fc
  .tuple(shifts({ skewed: true }), fc.constantFrom(true, true, false), fc.boolean())
  .map(([{ facts, estimates, truths }, swept, told]) => [
    ...facts,
    ...(swept ? estimates : []),
    ...(told ? truths : []),
  ]);

const one = (arbitrary: fc.Arbitrary<EntityDraft>): fc.Arbitrary<EntityDraft[]> =>
  arbitrary.map((each) => [each]);

/** Jobs, nodes and workers. */
const worked: fc.Arbitrary<EntityDraft[]> = fc.oneof(
  { weight: 4, arbitrary: one(entity(SUBJECTS.job, TENANTS, job)) },
  { weight: 2, arbitrary: one(entity(SUBJECTS.node, TENANTS, node)) },
  { weight: 2, arbitrary: one(entity(SUBJECTS.worker, ['acme', 'superadmin', 'superadmin'], worker)) },
  { weight: 1, arbitrary: shift },
);

/** The tenants of everything else. */
const OTHER_TENANTS = ['acme', 'superadmin'];

/** Entities whose facts are about one of two users or hosts, so that they meet. */
function circle(
  ...members: readonly (readonly [subjects: readonly string[], drafts: fc.Arbitrary<Draft[]>])[]
) {
  return fc
    .tuple(
      fc.constantFrom(...OTHER_TENANTS),
      fc.tuple(...members.map(([subjects, drafts]) => entity(subjects, OTHER_TENANTS, drafts))),
    )
    .map(([tenant, entities]) => entities.map((each) => ({ ...each, tenant })));
}

const alone = (subjects: readonly string[], drafts: fc.Arbitrary<Draft[]>): fc.Arbitrary<EntityDraft[]> =>
  one(entity(subjects, OTHER_TENANTS, drafts));

const { user, identity, ...otherRecords } = records;
const alerts = ['alert/1', 'alert/2', 'alert/3'];
const hosts = ['host/h1', 'host/h2'];
const identities = ['identity/1', 'identity/2', 'identity/3'];

/** Entities of every kind but jobs, nodes and workers. */
const other: fc.Arbitrary<EntityDraft[]> = fc.oneof(
  {
    weight: 4,
    arbitrary: circle(
      [['user/ann', 'user/bob'], user],
      [identities, identity],
      [identities, identity],
      [['workflow/1', 'workflow/2'], workflow],
    ),
  },
  { weight: 4, arbitrary: circle([hosts, host], [alerts, alert], [alerts, alert]) },
  { weight: 2, arbitrary: alone(['artifact/1', 'artifact/größe'], artifact) },
  { weight: 2, arbitrary: alone(['instance/1', 'instance/2'], instance) },
  { weight: 1, arbitrary: alone(['reporter/r'], reporter) },
  ...Object.entries(otherRecords).map(([kind, drafts]) => ({
    weight: kind === 'token' ? 2 : 1,
    arbitrary: alone([`${kind}/1`, `${kind}/größe`], drafts),
  })),
);

/** Events of entities that are neither jobs nor nodes nor workers. */
export function otherEvents(maxEntities: number): fc.Arbitrary<LogEvent[]> {
  return fc.array(other, { minLength: 1, maxLength: maxEntities }).map((all) => toEvents(all.flat()));
}

/** Events of entities of every kind, as {@link worldEvents} has them of jobs, nodes and workers. */
export function everyKindEvents(maxEntities: number): fc.Arbitrary<LogEvent[]> {
  return fc
    .array(fc.oneof(worked, other), { minLength: 1, maxLength: maxEntities })
    .map((all) => toEvents(all.flat()));
}

/** The events of one job of one tenant. */
export const jobEvents: fc.Arbitrary<LogEvent[]> = one(entity(SUBJECTS.job, TENANTS, job)).map(toEvents);

/** The events of one node of one tenant. */
export const nodeEvents: fc.Arbitrary<LogEvent[]> = one(entity(SUBJECTS.node, TENANTS, node)).map(toEvents);

/** The events of one worker of one tenant. */
export const workerEvents: fc.Arbitrary<LogEvent[]> = one(entity(SUBJECTS.worker, TENANTS, worker)).map(
  toEvents,
);

/**
 * Events of several jobs, nodes and workers of several tenants. The same subject may come up in two
 * tenants (two entities), or twice in one (one entity); jobs name workers that may or may not exist.
 */
export function worldEvents(maxEntities: number): fc.Arbitrary<LogEvent[]> {
  return fc.array(worked, { minLength: 1, maxLength: maxEntities }).map((all) => toEvents(all.flat()));
}
