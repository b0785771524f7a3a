import { type CurrentEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { amounts, canonical, fact, fold, levels, shuffled } from '../../fixtures/fold-entity.js';
import { levelIntervals } from '../level-intervals.js';
import { jobTimeline } from './job-timeline.js';

const given = (t: number, data: object = {}): CurrentEvent =>
  fact('job.aborted', t, { estimated: true, ...data });
const timeline = (events: readonly CurrentEvent[]) => jobTimeline(fold(events).state);
const run = [fact('job.queued', 0, { queue: 'q' }), fact('job.started', 10, { nodes: 3, worker: 'w1' })];

describe('an estimated end of an attempt', () => {
  it('closes what is open, is told apart, and counts as nothing that happened', () => {
    const events = [...run, given(40)];
    expect(levels(events)).toEqual({
      waiting: '+1@0 -1@10',
      running: '+1@10 -1@40',
      nodes: '+3@10 -3@40',
      running_estimated: '+1@10 -1@40',
      nodes_estimated: '+3@10 -3@40',
      busy: '+1@10 -1@40',
      idle: '-1@10 +1@40',
    });
    expect(amounts(events)).toEqual([
      'intervals_estimated{"kind":"job"}=1',
      'jobs{"queue":"q","state":"aborted"}=1',
    ]);
    expect(timeline(events)).toMatchObject({ status: 'aborted', estimated: true, waitingSince: null });
    expect(timeline(events).attempts).toMatchObject([{ outcome: null, givenUp: 40, estimated: true }]);
    const seconds = fold(events).contributions.amounts.filter(
      ({ series }) => series.family === 'quipu_estimated_seconds',
    );
    expect(seconds.map(({ series, value }) => [series.labels, value])).toEqual([
      ['{"level":"running"}', 30],
      ['{"level":"nodes"}', 90],
    ]);
  });

  it('accounts the slot it took to the worker, whose tenant is told', () => {
    const { changes } = fold([fact('job.started', 1, { worker: 'w1', workerTenant: 'fleet' })]).contributions;
    expect(changes.map(({ level, d, dims: { tenant, cluster } }) => [level, d, tenant, cluster])).toEqual([
      ['running', 1, 'acme', null],
      ['busy', 1, 'fleet', 'w1'],
      ['idle', -1, 'fleet', 'w1'],
    ]);
    expect(levels([fact('job.started', 1), fact('job.completed', 2)])).toEqual({ running: '+1@1 -1@2' });
  });

  it.each([
    ['a true end', fact('job.completed', 60), '+1@10 -1@60'],
    ['a true end before it', fact('job.failed', 20), '+1@10 -1@20'],
    ['a sign of life', fact('job.progressed', 41), '+1@10'],
    ['a later start', fact('job.started', 50), '+1@10'],
  ])('is void by %s', (_, truth, running) => {
    const events = [...run, given(40), truth];
    expect(levels(events)['running']).toBe(running);
    expect(levels(events)['running_estimated']).toBeUndefined();
    expect(timeline(events).estimated).toBe(false);
  });

  it('stands again after a later sign of life that was the last', () => {
    const events = [...run, given(40), fact('job.progressed', 70), given(70)];
    expect(levels(events)['running']).toBe('+1@10 -1@70');
    expect(timeline(events).attempts[0]).toMatchObject({ heard: 70, givenUp: 70 });
  });

  it('gives way to what shows an earlier end, and to a removal', () => {
    const next = [...run, given(40), fact('job.queued', 30, { attempt: 2 })];
    expect(levels(next)['running']).toBe('+1@10 -1@30');
    expect(timeline(next)).toMatchObject({ status: 'waiting', estimated: false });
    expect(levels([...run, given(40), fact('job.queued', 50, { attempt: 2 })])['running']).toBe(
      '+1@10 -1@40',
    );
    const removed = [...run, given(40), fact('job.removed', 40)];
    expect(levels(removed)['running_estimated']).toBeUndefined();
    expect(timeline(removed)).toMatchObject({ status: 'removed', estimated: false });
  });

  it('lets the attempt wait again only if somebody says so afterwards', () => {
    expect(levels([...run, given(40)])['waiting']).toBe('+1@0 -1@10');
    const requeued = [...run, given(40), fact('job.requeued', 60)];
    expect(levels(requeued)['waiting']).toBe('+1@0 -1@10 +1@60');
    expect(timeline(requeued)).toMatchObject({ status: 'waiting', estimated: false });
    expect(timeline([...run, fact('job.requeued', 40), given(40)]).status).toBe('aborted');
  });

  it('makes no attempt, and carries no fields', () => {
    expect(timeline([given(40), fact('job.progressed', 50)])).toMatchObject({ status: null, attempts: [] });
    expect(fold([given(40)]).contributions).toEqual({ amounts: [], members: [], changes: [] });
    const events = [...run, given(40, { queue: 'other', user: 'eve' }), given(40, { attempt: 2 })];
    expect(timeline(events).attempts).toMatchObject([{ fields: { queue: 'q' } }]);
  });

  it('is flagged in the intervals behind a number', () => {
    const { key, state } = fold([...run, given(40)]);
    for (const level of ['running', 'nodes', 'running_estimated', 'busy'] as const)
      expect(levelIntervals(key, state, level)).toMatchObject([{ start: 10, end: 40, estimated: true }]);
    expect(levelIntervals(key, state, 'idle')).toMatchObject([{ d: -1, dims: { cluster: 'w1' } }]);
    expect(levelIntervals(key, state, 'offline')).toEqual([]);
  });
});

describe('the state of a job', () => {
  it('does not grow with progress or estimates', () => {
    const events = [...run];
    const size = (some: readonly CurrentEvent[]): number => JSON.stringify(fold(some).state).length;
    const few = size([...events, fact('job.progressed', 1_000), given(1_000)]);
    for (let t = 1_001; t < 1_500; t++) events.push(fact('job.progressed', t), given(t));
    expect(size(events)).toBe(few);
  });

  it('contributes the same in whatever order estimates, signs and facts come', () => {
    const row = fc.record({
      type: fc.constantFrom(
        ...['queued', 'assigned', 'requeued', 'started', 'completed', 'aborted', 'aborted', 'progressed'],
      ),
      t: fc.nat(8),
      attempt: fc.integer({ min: 1, max: 2 }),
      estimated: fc.boolean(),
    });
    const numbers = fc.array(fc.nat(), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 10 }), numbers, (rows, random) => {
        const events = rows.map(({ type, t, ...data }) => fact(`job.${type}`, t, data));
        expect(canonical(fold(shuffled(events, random)).contributions)).toEqual(
          canonical(fold(events).contributions),
        );
      }),
      { numRuns: 500 },
    );
  });
});
