import type { EventType, LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { instant, maybe, moment, toEvents, withoutAbsent, type Draft, type EntityDraft } from './drafts.js';

/**
 * A worker, the jobs it ran, and what a sweeper made of its silence.
 */
export interface Shift {
  /** What the worker and the jobs' queue told before the worker fell silent. */
  readonly facts: readonly EntityDraft[];
  /** What the sweeper reported: the worker lost, and an end of each attempt that it had. */
  readonly estimates: readonly EntityDraft[];
  /**
   * What came to light later, when the worker was not lost at all: signs of life, true ends, and the progress that
   * the sweeper reports of attempts that it had ended. Of every attempt that was ended by estimate there is one.
   */
  readonly truths: readonly EntityDraft[];
}

const WORKERS = ['worker/w1', 'worker/w2'] as const;
const JOBS = ['job/shift/1', 'job/shift/2', 'job/shift/3'] as const;
const JOB_TENANTS = ['acme', 'umbrella', 'superadmin'] as const;
/** ms between two things that happen: none now and then, and more than a quarter-hour as well. */
const gap = fc.constantFrom(0, 0, 1, 2, 50, 1_000, 600_000, 90_000_000);

/** How an attempt turned out to have gone on. */
interface Outcome {
  /** null: it runs still. */
  readonly type: EventType | null;
  /** ms after the worker's last sign of life before its silence; below zero by a skewed clock. */
  readonly after: number;
  readonly data: object;
}

const outcome = (after: fc.Arbitrary<number>): fc.Arbitrary<Outcome> =>
  fc.record({
    type: fc.constantFrom('job.completed', 'job.failed', 'job.aborted', 'job.removed', null),
    after,
    data: fc.record({
      final: maybe(fc.boolean(), 1),
      result: maybe(fc.constantFrom('success', 'error'), 1),
    }),
  });

const run = (after: fc.Arbitrary<number>) =>
  fc.record({
    tenant: fc.constantFrom(...JOB_TENANTS),
    /** Whether the attempt was told to wait first. */
    queued: fc.boolean(),
    startsAfter: gap,
    nodes: maybe(fc.constantFrom(0, 1, 999_983), 2),
    queue: maybe(fc.constantFrom('build', 'test'), 2),
    cluster: maybe(fc.constantFrom('c1', 'c2'), 2),
    user: maybe(fc.constantFrom('ann', 'bob'), 2),
    attempt: maybe(fc.constantFrom(1, 2), 1),
    /** It ended before the silence, and was told to. */
    done: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    /** It told its progress before the silence. */
    progressed: fc.boolean(),
    outcome: outcome(after),
  });

const worker = fc.record({
  tenant: fc.constantFrom('acme', 'superadmin'),
  subject: fc.constantFrom(...WORKERS),
  registered: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  /** Some reporters tell of heartbeats alone. */
  connects: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  life: maybe(fc.constantFrom('a', 'b'), 2),
  concurrency: maybe(fc.constantFrom(0, 1, 2, 999_983), 2),
  pool: maybe(fc.constantFrom('p1', 'p2'), 2),
});

/** How the worker turns out not to be lost: by a heartbeat, or by leaving in order; or by both. */
const revival = fc.record({ heartbeat: fc.boolean(), left: fc.boolean(), after: gap });

/**
 * Shifts. `skewed`: some attempts started after the worker's last sign of life before its silence, or ended before it,
 * by clocks that differ; else none.
 */
export function shifts({ skewed }: { readonly skewed: boolean }): fc.Arbitrary<Shift> {
  const after = skewed ? fc.oneof(gap, fc.constantFrom(-1, -50, -90_000_000)) : gap;
  return fc
    .tuple(worker, instant, gap, gap, fc.array(run(after), { minLength: 1, maxLength: JOBS.length }), revival)
    .map(([who, begun, connectsAfter, silentAfter, runs, back]) => {
      const facts: EntityDraft[] = [];
      const estimates: EntityDraft[] = [];
      const truths: EntityDraft[] = [];
      const { tenant, subject, life } = who;
      const tell = (to: EntityDraft[], of: Pick<EntityDraft, 'tenant' | 'subject'>, ...drafts: Draft[]) =>
        to.push({ tenant: of.tenant, subject: of.subject, drafts });
      const fact = (type: EventType, time: number, data: object): Draft => ({
        ...{ type, time, source: 'w1', data: withoutAbsent(data) },
      });
      const guess = (type: EventType, time: number, data: object): Draft => ({
        ...fact(type, time, { ...data, estimated: true }),
        source: 'quipu/sweeper',
      });

      const connected = begun + connectsAfter;
      const lastSign = connected + silentAfter;
      if (who.registered) {
        const { concurrency, pool } = who;
        tell(facts, who, fact('worker.registered', begun, { concurrency, pool, life }));
      }
      if (who.connects) tell(facts, who, fact('worker.connected', connected, { life }));
      tell(facts, who, fact('worker.heartbeat', lastSign, { life }));
      const since = who.connects ? moment(connected) : undefined;
      tell(estimates, who, guess('worker.lost', lastSign, { life, since }));
      const returned = lastSign + 1 + back.after;
      if (back.heartbeat || !back.left) tell(truths, who, fact('worker.heartbeat', returned, { life }));
      if (back.left) tell(truths, who, fact('worker.disconnected', returned + back.after, { life }));

      for (const [index, each] of runs.entries()) {
        const job = { tenant: each.tenant, subject: JOBS[index] ?? '' };
        const { attempt, nodes, queue, cluster, user } = each;
        const named = { attempt, worker: subject.slice('worker/'.length), workerTenant: tenant };
        const started = Math.min(begun + each.startsAfter, skewed ? Infinity : lastSign);
        const fields = { nodes, queue, cluster, user };
        if (each.queued) tell(facts, job, fact('job.queued', begun, { attempt, ...fields }));
        tell(facts, job, fact('job.started', started, { ...named, ...fields }));
        if (each.progressed) tell(facts, job, fact('job.progressed', lastSign, named));
        if (each.done) {
          tell(facts, job, fact('job.completed', Math.max(started, lastSign), named));
          continue;
        }
        tell(estimates, job, guess('job.aborted', lastSign, named));
        const { type, after: ended, data } = each.outcome;
        // That a job is removed later does not say when it ended.
        if (type === null || type === 'job.removed') {
          tell(truths, job, fact('job.progressed', returned, named));
        }
        if (type !== null) tell(truths, job, fact(type, lastSign + ended, { ...named, ...data }));
      }
      return { facts, estimates, truths };
    });
}

/** The parts of a shift as events: those of one part have the same ids whatever others there are. */
export function shiftEvents({ facts, estimates, truths }: Shift): Record<keyof Shift, LogEvent[]> {
  const all = toEvents([...facts, ...estimates, ...truths]);
  const [guessed, told] = [facts.length, facts.length + estimates.length];
  return {
    facts: all.slice(0, guessed),
    estimates: all.slice(guessed, told),
    truths: all.slice(told),
  };
}
