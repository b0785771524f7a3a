import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { draft, instant, maybe, moment, withoutAbsent, type Draft } from './drafts.js';
import { step, teller, type Step } from './steps.js';

/** Every type that a job's events have. */
export const JOB_TYPES = [
  'job.queued',
  'job.blocked',
  'job.unblocked',
  'job.assigned',
  'job.requeued',
  'job.started',
  'job.progressed',
  'job.completed',
  'job.failed',
  'job.aborted',
  'job.removed',
] as const satisfies readonly EventType[];

const ENDS = ['job.completed', 'job.failed', 'job.aborted'] as const;

const fields = {
  queue: maybe(fc.constantFrom('build', 'test', 'größe|{}')),
  user: maybe(fc.constantFrom('ann', 'bob')),
  cluster: maybe(fc.constantFrom('c1', 'c2')),
  clusterTemplate: maybe(fc.constantFrom('small', 'large')),
  // The last one times an instant is more than a double holds exactly.
  nodes: maybe(fc.constantFrom(0, 1, 2, 3, 999_983)),
  delayUntil: maybe(instant.map(moment), 4),
  // Nobody ever registers the last one.
  worker: maybe(fc.constantFrom('w1', 'w1', 'w2', 'w2', 'ghost'), 1),
  workerTenant: maybe(fc.constantFrom('acme', 'superadmin', 'umbrella'), 3),
  final: maybe(fc.boolean(), 1),
  taskType: maybe(fc.constantFrom('Worker', 'Server'), 3),
  taskName: maybe(fc.constantFrom('sbuild', 'größe|{"}'), 3),
  labels: maybe(
    fc
      .record({
        hostArchitecture: maybe(fc.constantFrom('amd64', ''), 1),
        backend: maybe(fc.constantFrom('unshare', 'qemu'), 1),
        other: maybe(fc.constant('x'), 1),
      })
      .map(withoutAbsent),
    3,
  ),
  result: maybe(fc.constantFrom('success', 'failure', 'error', 'skipped'), 3),
  statistics: maybe(
    fc
      .record({
        duration: maybe(fc.constantFrom(0, 0.0004, 0.0005, 0.9996, 1, 1.0005, 5.0001, 86_400, 86_401), 1),
        memory: maybe(fc.constant(1), 1),
      })
      .map(withoutAbsent),
    3,
  ),
};

/** Data of a job event about any attempt. */
const anyData = fc.record({
  ...fields,
  attempt: maybe(fc.constantFrom(1, 1, 2, 2, 3, 7), 1),
  estimated: maybe(fc.constantFrom(true, true, true, false), 1),
});

/** Events that need not make sense: every fact with every other, in any order, at colliding times. */
export const chaoticJob: fc.Arbitrary<Draft[]> = fc.array(
  draft(fc.constantFrom(...JOB_TYPES), instant, anyData),
  { minLength: 1, maxLength: 12 },
);

const told = (...types: readonly EventType[]): fc.Arbitrary<Step> => step(types, fc.record(fields));
/** What a sweeper reports of an attempt whose worker it thinks lost. */
const guessed = step(['job.aborted'], fc.record({ ...fields, estimated: fc.constant(true) }), [0, 0, 0, 1]);

/** The steps of one attempt; retries without an end and second lives within an attempt are common. */
const attempt: fc.Arbitrary<Step[]> = fc
  .tuple(
    told('job.queued'),
    fc.constantFrom(0, 0, 0, 1, 2).chain((n) => fc.tuple(...Array.from({ length: n }, pause))),
    maybe(told('job.assigned'), 2),
    maybe(told('job.requeued'), 4),
    told('job.started'),
    fc.array(fc.oneof(told('job.progressed'), guessed), { maxLength: 3 }),
    maybe(told(...ENDS), 2),
    maybe(fc.tuple(told('job.started'), maybe(guessed, 1), maybe(told(...ENDS), 3)), 4),
    maybe(fc.tuple(guessed, maybe(told('job.queued', 'job.queued', 'job.requeued', 'job.blocked'), 1)), 2),
  )
  .map(([queued, pauses, assigned, requeued, started, signs, ended, again, late]) =>
    [
      ...[queued, ...pauses.flat(), assigned, requeued, started, ...signs, ended],
      ...[...(again ?? []), ...(late ?? [])],
    ].filter((each) => each !== undefined),
  );

function pause(): fc.Arbitrary<Step[]> {
  return fc.tuple(told('job.blocked'), told('job.unblocked'));
}

/** What usually happens to a job, with events lost, clocks skewed, retries, and a tombstone now and then. */
export const livedJob: fc.Arbitrary<Draft[]> = fc
  .tuple(
    instant,
    fc.array(attempt, { minLength: 1, maxLength: 3 }),
    maybe(told('job.removed'), 4),
    fc.constantFrom('w1', 'w2'),
  )
  .map(([begun, attempts, removed, source]) => {
    const tell = teller(begun, source);
    const of = (number: number): object => (number === 1 ? {} : { attempt: number });
    return [
      ...attempts.flatMap((steps, index) => steps.flatMap((each) => tell(each, of(index + 1)))),
      ...(removed === undefined ? [] : tell(removed, of(attempts.length))),
    ];
  });

/** Late facts that correct what was said before. */
const corrections = fc.array(
  draft(fc.constantFrom('job.queued', 'job.completed', 'job.aborted', 'job.progressed'), instant, anyData),
  {
    maxLength: 2,
  },
);

/** The events of one job. */
export const job: fc.Arbitrary<Draft[]> = fc.oneof(
  chaoticJob,
  fc.tuple(livedJob, corrections).map(([lived, late]) => [...lived, ...late]),
);
