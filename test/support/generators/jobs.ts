import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { draft, instant, maybe, moment, type Draft } from './drafts.js';

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
  worker: maybe(fc.constantFrom('w1', 'w2')),
  workerTenant: maybe(fc.constantFrom('acme', 'superadmin'), 3),
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

function withoutAbsent(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** Data of a job event about any attempt. */
const anyData = fc.record({
  ...fields,
  attempt: maybe(fc.constantFrom(1, 1, 2, 2, 3, 7), 1),
});

/** Events that need not make sense: every fact with every other, in any order, at colliding times. */
export const chaoticJob: fc.Arbitrary<Draft[]> = fc.array(
  draft(fc.constantFrom(...JOB_TYPES), instant, anyData),
  { minLength: 1, maxLength: 12 },
);

/** One event of a scripted life: whether it is lost on the way, when it comes after the one before, and by what clock. */
interface Step {
  readonly type: EventType;
  readonly lost: boolean;
  readonly after: number;
  readonly skew: number;
  readonly data: Record<string, unknown>;
}

const step = (...types: readonly EventType[]): fc.Arbitrary<Step> =>
  fc.record({
    type: fc.constantFrom(...types),
    lost: fc.integer({ min: 0, max: 5 }).map((n) => n === 5),
    after: fc.constantFrom(0, 1, 1, 2, 5, 50, 51, 100, 1_000, 600_000, 90_000_000),
    skew: fc.constantFrom(0, 0, 0, 0, -1, -3, 2, -2_000),
    data: fc.record(fields),
  });

/** The steps of one attempt; retries without an end and second lives within an attempt are common. */
const attempt: fc.Arbitrary<Step[]> = fc
  .tuple(
    step('job.queued'),
    fc.constantFrom(0, 0, 0, 1, 2).chain((n) => fc.tuple(...Array.from({ length: n }, pause))),
    maybe(step('job.assigned'), 2),
    maybe(step('job.requeued'), 4),
    step('job.started'),
    maybe(step('job.progressed'), 3),
    maybe(step(...ENDS), 5),
    maybe(fc.tuple(step('job.started'), step(...ENDS)), 4),
  )
  .map(([queued, pauses, assigned, requeued, started, progressed, ended, again]) =>
    [queued, ...pauses.flat(), assigned, requeued, started, progressed, ended, ...(again ?? [])].filter(
      (each) => each !== undefined,
    ),
  );

function pause(): fc.Arbitrary<Step[]> {
  return fc.tuple(step('job.blocked'), step('job.unblocked'));
}

/** What usually happens to a job, with events lost, clocks skewed, retries, and a tombstone now and then. */
export const livedJob: fc.Arbitrary<Draft[]> = fc
  .tuple(
    instant,
    fc.array(attempt, { minLength: 1, maxLength: 3 }),
    maybe(step('job.removed'), 4),
    fc.constantFrom('w1', 'w2'),
  )
  .map(([begun, attempts, removed, source]) => {
    let clock = begun;
    const told = (each: Step, number: number): Draft[] => {
      clock += each.after;
      if (each.lost) return [];
      const data = Object.fromEntries(
        Object.entries({ ...each.data, attempt: number === 1 ? undefined : number }).filter(
          ([, value]) => value !== undefined,
        ),
      );
      return [{ type: each.type, time: clock + each.skew, source, data }];
    };
    const drafts = attempts.flatMap((steps, index) => steps.flatMap((each) => told(each, index + 1)));
    return removed === undefined ? drafts : [...drafts, ...told(removed, attempts.length)];
  });

/** Late facts that correct what was said before. */
const corrections = fc.array(draft(fc.constantFrom('job.queued', 'job.completed'), instant, anyData), {
  maxLength: 2,
});

/** The events of one job. */
export const job: fc.Arbitrary<Draft[]> = fc.oneof(
  chaoticJob,
  fc.tuple(livedJob, corrections).map(([lived, late]) => [...lived, ...late]),
);
