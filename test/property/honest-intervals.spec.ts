import type { LogEvent } from '@quipu/contracts';
import fc from 'fast-check';
import type { Contributions } from '../../apps/cli/src/verify/naive/contributions.js';
import { compareFacts } from '../../apps/cli/src/verify/naive/facts.js';
import { cut, permuted } from '../support/generators/arrivals.js';
import { instant, LAST, moment } from '../support/generators/drafts.js';
import { shiftEvents, shifts } from '../support/generators/shifts.js';
import { everyKindEvents, jobEvents, workerEvents, worldEvents } from '../support/generators/worlds.js';
import { ledgerWorld } from './ledger-world.js';
import { naiveWorld } from './naive-world.js';
import { runs } from './runs.js';
import { summed } from './summed.js';

/** Both implementations, each on its own: that they agree elsewhere must not be what these properties rest on. */
const FOLDS: readonly [string, (batches: readonly (readonly LogEvent[])[]) => Contributions][] = [
  ['the ledger', ledgerWorld],
  ['the naive fold', (batches) => naiveWorld(batches.flat())],
];

const shuffledBatches = (events: readonly LogEvent[]): fc.Arbitrary<LogEvent[][]> =>
  permuted(events).chain((other) => cut(other, 4));

/** Everything but how many events there were. */
const rowsOf = (total: Contributions): string[] =>
  summed(total).filter((row) => !row.startsWith('amount quipu_events '));

const isEstimate = ({ dataversion, data }: LogEvent): boolean =>
  dataversion > 1 && data['estimated'] === true;

describe.each(FOLDS)('estimates in %s', (_, fold) => {
  it('are replaced by the truth: once all is known, nothing is as if there had been none', () => {
    const told = shifts({ skewed: true })
      .map(shiftEvents)
      .chain(({ facts, estimates, truths }) =>
        fc.tuple(fc.constant([...facts, ...truths]), shuffledBatches([...facts, ...estimates, ...truths])),
      );
    fc.assert(
      fc.property(told, ([known, batches]) => {
        expect(rowsOf(fold(batches))).toEqual(rowsOf(fold([known])));
      }),
      runs(500),
    );
  });

  it('of attempts change nothing when a sign of life or a later start makes them void', () => {
    const void_ = fc
      .tuple(jobEvents, fc.array(instant, { minLength: 1, maxLength: 3 }), fc.nat(), fc.boolean())
      .chain(([events, times, nth, started]) => {
        const known = events.filter((event) => !isEstimate(event) && event.type !== 'job.progressed');
        const like = known[nth % Math.max(known.length, 1)];
        if (like === undefined) return fc.constant<[LogEvent[], LogEvent[][]]>([[], []]);
        const attempt = like.data['attempt'] ?? 1;
        const more = (type: LogEvent['type'], time: number, id: string, data: object): LogEvent => ({
          ...{ tenant: like.tenant, subject: like.subject, source: 'quipu/sweeper', id, type, time },
          ...{ dataversion: type === 'job.aborted' ? 2 : 1, data: { attempt, ...data } },
        });
        // Nothing may have been heard of it or started after the estimates but what is told here.
        const estimates = times.map((time, n) => more('job.aborted', time, `e${n}`, { estimated: true }));
        const after = Math.max(...times) + 1;
        const sign = started
          ? more('job.started', after, 'sign', {})
          : more('job.progressed', after, 'sign', {});
        return fc.tuple(
          fc.constant(started ? [...known, sign] : known),
          shuffledBatches([...known, ...estimates, sign]),
        );
      });
    fc.assert(
      fc.property(void_, ([known, batches]) => {
        expect(rowsOf(fold(batches))).toEqual(rowsOf(fold([known])));
      }),
      runs(500),
    );
  });

  it('of workers change nothing when they are about no connection, or earlier than it', () => {
    const void_ = fc
      .tuple(workerEvents, fc.array(fc.tuple(instant, fc.nat()), { minLength: 1, maxLength: 4 }))
      .chain(([events, picks]) => {
        const known = events.filter((event) => !isEstimate(event));
        const connected = known.filter(({ type }) => type === 'worker.connected');
        const [like] = known;
        if (like === undefined) return fc.constant<[LogEvent[], LogEvent[][]]>([[], []]);
        const losses = picks.map(([time, nth], n): LogEvent => {
          const about = connected[nth % (connected.length + 1)];
          const life = about?.data['life'];
          return {
            ...{ tenant: like.tenant, subject: like.subject, source: 'quipu/sweeper', id: `e${n}` },
            ...{ type: 'worker.lost', dataversion: 2 },
            time: about === undefined ? time : Math.min(time, about.time - 1),
            data: {
              ...(life === undefined ? {} : { life }),
              ...{ estimated: true, since: moment(about?.time ?? LAST * 2) },
            },
          };
        });
        return fc.tuple(fc.constant(known), shuffledBatches([...known, ...losses]));
      });
    fc.assert(
      fc.property(void_, ([known, batches]) => {
        expect(rowsOf(fold(batches))).toEqual(rowsOf(fold([known])));
      }),
      runs(300),
    );
  });

  it('never make a counter fall when the truth arrives', () => {
    const told = shifts({ skewed: false })
      .map(shiftEvents)
      .chain(({ facts, estimates, truths }) =>
        fc.tuple(shuffledBatches([...facts, ...estimates]), permuted(truths)),
      );
    fc.assert(
      fc.property(told, ([before, truths]) => {
        const at = (step: number): Contributions => fold([...before, truths.slice(0, step)]);
        for (const [step] of truths.entries()) expectNoFall(COUNTERS, at(step), at(step + 1));
        // An attempt that turns out to run accrues until its true end is told as well.
        expectNoFall(ACCRUING, at(0), at(truths.length));
      }),
      runs(200),
    );
  });

  it('show while they stand: a worker that fell silent holds no job, and its attempts are over', () => {
    fc.assert(
      fc.property(shifts({ skewed: false }).map(shiftEvents), ({ facts, estimates }) => {
        const { amounts, changes } = fold([[...facts, ...estimates]]);
        const open = changes.filter(({ level }) => level === 'running').reduce((sum, { d }) => sum + d, 0);
        expect(open).toBe(0);
        const aborted = amounts.filter(
          ({ family, labels }) => family === 'jobs' && labels['state'] === 'aborted',
        );
        expect(aborted.length).toBe(estimates.filter(({ type }) => type === 'job.aborted').length);
        expect(amounts.filter(({ labels }) => labels['outcome'] === 'aborted')).toEqual([]);
        const states = amounts.filter(({ family }) => family === 'quipu_workers');
        expect(states.map(({ labels }) => labels['state'])).toEqual(states.map(() => 'offline'));
      }),
      runs(300),
    );
  });
});

describe.each(FOLDS)('slots in %s', (_, fold) => {
  it('are busy, idle or offline for as long as they are registered, in every world and tenant', () => {
    fc.assert(
      fc.property(
        fc.oneof(everyKindEvents(6), worldEvents(6), workerEvents).chain(shuffledBatches),
        (batches) => {
          const { amounts, changes } = fold(batches);
          const slots = changes.filter(({ level }) => ['busy', 'idle', 'offline'].includes(level));
          const registered = amounts.filter(({ labels }) => labels['state'] === 'registered');
          const tenants = new Set([
            ...slots.map(({ dims }) => dims.tenant),
            ...registered.map((a) => a.tenant),
          ]);
          for (const tenant of tenants) {
            const mine = slots.filter(({ dims }) => dims.tenant === tenant);
            const due = registered.filter((amount) => amount.tenant === tenant);
            const sum = (family: string): bigint =>
              due
                .filter((one) => one.family === family)
                .reduce((total, { value }) => total + BigInt(value), 0n);
            const rate = mine.reduce((total, { d }) => total + BigInt(d), 0n);
            const base = mine.reduce((total, { d, t }) => total - BigInt(d) * BigInt(t), 0n);
            expect([tenant, base, rate]).toEqual([tenant, sum('worker_seconds'), sum('worker_seconds:rate')]);
          }
        },
      ),
      runs(300),
    );
  });

  it('are as many at each instant as the workers that are registered then have', () => {
    fc.assert(
      fc.property(worldEvents(6), (events) => {
        const slots = fold([events]).changes.filter(({ level }) =>
          ['busy', 'idle', 'offline'].includes(level),
        );
        for (const t of new Set(slots.map((change) => change.t))) {
          const height = slots.filter((change) => change.t <= t).reduce((sum, { d }) => sum + d, 0);
          expect([t, height]).toEqual([t, registeredSlots(events, t)]);
        }
      }),
      runs(300),
    );
  });
});

/** How many slots the workers that are registered at `t` have, as their events say. */
function registeredSlots(events: readonly LogEvent[], t: number): number {
  const workers = new Map<string, LogEvent[]>();
  for (const event of events) {
    if (!event.type.startsWith('worker.')) continue;
    const key = JSON.stringify([event.tenant, event.subject]);
    workers.set(key, [...(workers.get(key) ?? []), event]);
  }
  let slots = 0;
  for (const told of workers.values()) {
    const times = (type: string): number[] =>
      told.filter((event) => event.type === type).map(({ time }) => time);
    const from = Math.min(...times('worker.registered'));
    if (!(from <= t && t < Math.min(...times('worker.retired')))) continue;
    const concurrency = told.toSorted(compareFacts).flatMap(({ data }) => data['concurrency'] ?? []);
    slots += Number(concurrency.at(-1) ?? 1);
  }
  return slots;
}

const COUNTERS =
  /^(jobs_finished|quipu_events|quipu_job_(wait|run)_seconds|rm_job_duration_seconds|task_execution_times)(:sum)?$/;
const ACCRUING = /^(quipu_node_seconds|worker_seconds)(:rate)?$/;
/** Later than anything that happens. */
const NOW = BigInt(LAST) * 2n;

function expectNoFall(families: RegExp, before: Contributions, after: Contributions): void {
  const later = valuesOf(families, after);
  for (const [series, value] of valuesOf(families, before)) {
    const now = later.get(series) ?? 0n;
    if (now < value) throw new Error(`${series} fell from ${value} to ${now}`);
  }
}

/** The value of each series of some families; of those that accrue, what they come to at {@link NOW}. */
function valuesOf(families: RegExp, { amounts }: Contributions): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const { family, tenant, labels, value } of amounts) {
    if (!families.test(family)) continue;
    const series = JSON.stringify([family.replace(':rate', ''), tenant, labels]);
    const more = family.endsWith(':rate') ? BigInt(value) * NOW : BigInt(value);
    values.set(series, (values.get(series) ?? 0n) + more);
  }
  return values;
}
