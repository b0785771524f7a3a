import type { LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { toEvents, type Draft, type EntityDraft } from './drafts.js';
import { node, worker } from './fleet.js';
import { job } from './jobs.js';

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

/** The events of one job of one tenant. */
export const jobEvents: fc.Arbitrary<LogEvent[]> = entity(SUBJECTS.job, TENANTS, job).map((one) =>
  toEvents([one]),
);

/** The events of one node of one tenant. */
export const nodeEvents: fc.Arbitrary<LogEvent[]> = entity(SUBJECTS.node, TENANTS, node).map((one) =>
  toEvents([one]),
);

/** The events of one worker of one tenant. */
export const workerEvents: fc.Arbitrary<LogEvent[]> = entity(SUBJECTS.worker, TENANTS, worker).map((one) =>
  toEvents([one]),
);

/**
 * Events of several jobs, nodes and workers of several tenants. The same subject may come up in two
 * tenants (two entities), or twice in one (one entity); jobs name workers that may or may not exist.
 */
export function worldEvents(maxEntities: number): fc.Arbitrary<LogEvent[]> {
  return fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: entity(SUBJECTS.job, TENANTS, job) },
        { weight: 2, arbitrary: entity(SUBJECTS.node, TENANTS, node) },
        { weight: 2, arbitrary: entity(SUBJECTS.worker, ['acme', 'superadmin', 'superadmin'], worker) },
      ),
      { minLength: 1, maxLength: maxEntities },
    )
    .map(toEvents);
}
