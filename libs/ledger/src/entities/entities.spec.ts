import { type CurrentEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { amounts, canonical, fact, fold, levels, shuffled } from '../fixtures/fold-entity.js';
import { entityKinds, jobTimeline } from './index.js';

const status = (events: readonly CurrentEvent[]): unknown => jobTimeline(fold(events).state).status;

describe('jobs', () => {
  const life = [
    fact('job.queued', 10, { queue: 'q', user: 'ann', nodes: 4, cluster: 'c' }),
    fact('job.started', 20),
    fact('job.completed', 50),
  ];

  it('wait, run and hold their nodes', () => {
    expect(levels(life)).toEqual({ waiting: '+1@10 -1@20', running: '+1@20 -1@50', nodes: '+4@20 -4@50' });
    expect(fold(life).contributions.changes.at(-1)!.dims).toMatchObject({
      tenant: 'acme',
      user: 'ann',
      queue: 'q',
      cluster: 'c',
    });
    expect(amounts(life)).toEqual([
      'jobs_finished{"outcome":"completed","queue":"q"}=1',
      'jobs{"queue":"q","state":"completed"}=1',
    ]);
  });

  it('are waiting members scored by when they are due', () => {
    const delayed = [fact('job.queued', 10, { queue: 'q', delayUntil: '1970-01-01T00:01:00Z' })];
    expect(fold(delayed).contributions.members).toEqual([
      {
        series: { family: 'waiting', tenant: 'acme', labels: '{"queue":"q"}' },
        member: 'job/j1',
        score: 60_000,
      },
    ]);
    expect(levels(delayed)).toEqual({ waiting: '+1@60000' });
    expect(levels([...delayed, fact('job.started', 30)])).toEqual({ running: '+1@30' });
  });

  it('do not wait while blocked or assigned, and wait again when given back', () => {
    const events = [
      fact('job.queued', 0),
      fact('job.blocked', 5),
      fact('job.unblocked', 8),
      fact('job.assigned', 10),
      fact('job.requeued', 15),
      fact('job.aborted', 20),
    ];
    expect(levels(events)).toEqual({ waiting: '+1@0 -1@5 +1@8 -1@10 +1@15 -1@20' });
    expect(status(events.slice(0, 2))).toBe('blocked');
    expect(status(events.slice(0, 4))).toBe('assigned');
    expect(status(events.slice(0, 5))).toBe('waiting');
    expect(status(events)).toBe('aborted');
  });

  it('queue the next attempt when a failure is not final', () => {
    const events = [...life.slice(0, 2), fact('job.failed', 40, { final: false })];
    expect(status(events)).toBe('waiting');
    expect(levels(events)).toEqual({
      waiting: '+1@10 -1@20 +1@40',
      running: '+1@20 -1@40',
      nodes: '+4@20 -4@40',
    });
    const again = [...events, fact('job.started', 60, { attempt: 2 })];
    expect(levels(again)['nodes']).toBe('+4@20 -4@40 +4@60');
  });

  it('close a tail nobody closed at the first fact of a higher attempt, and say that it is an estimate', () => {
    const events = [...life.slice(0, 2), fact('job.queued', 70, { attempt: 2 })];
    expect(levels(events)['running']).toBe('+1@20 -1@70');
    expect(amounts(events)).toContain('intervals_estimated{"kind":"job"}=1');
    const truth = [...events, fact('job.failed', 60, { attempt: 1 })];
    expect(levels(truth)['running']).toBe('+1@20 -1@60');
    expect(amounts(truth)).not.toContain('intervals_estimated{"kind":"job"}=1');
  });

  it('leave gauges, never usage, when removed, and cannot be revived', () => {
    const events = [...life, fact('job.removed', 90), fact('job.queued', 95)];
    expect(levels(events)).toEqual({ waiting: '+1@10 -1@20', running: '+1@20 -1@50', nodes: '+4@20 -4@50' });
    expect(amounts(events)).toEqual(['jobs_finished{"outcome":"completed","queue":"q"}=1']);
    expect(levels([...life.slice(0, 2), fact('job.removed', 90)])['running']).toBe('+1@20 -1@90');
  });

  it('take an end that met nothing open for a start that nothing closes', () => {
    const events = [fact('job.completed', 19), fact('job.started', 20)];
    expect(levels(events)).toEqual({});
    expect(amounts(events)).toContain('intervals_skewed{"kind":"job"}=1');
  });

  it('take late corrections of owner and size', () => {
    const events = [
      ...life,
      fact('job.progressed', 30, { nodes: 9 }),
      fact('job.completed', 50, { user: 'bob', nodes: 8 }),
    ];
    expect(levels(events.slice(0, 4))['nodes']).toBe('+4@20 -4@50');
    expect(levels(events)['nodes']).toBe('+8@20 -8@50');
    expect(fold(events).contributions.changes.at(-1)!.dims.user).toBe('bob');
  });

  it('hold the worker they name while they run', () => {
    const events = [
      fact('job.assigned', 1, { worker: 'w1' }),
      fact('job.started', 2),
      fact('job.completed', 3),
    ];
    const links = (count: number): readonly unknown[] => {
      const { key, state } = fold(events.slice(0, count));
      return entityKinds.job.links(key, state);
    };
    expect(links(2)).toEqual([
      { target: { tenant: 'superadmin', kind: 'worker', id: 'worker/w1' }, name: '["acme","job/j1"]' },
      {
        target: { tenant: 'superadmin', kind: 'worker', id: 'worker/w1' },
        name: '',
        sum: { base: -2, rate: 1 },
      },
    ]);
    expect(links(3)).toEqual([
      {
        target: { tenant: 'superadmin', kind: 'worker', id: 'worker/w1' },
        name: '',
        sum: { base: 1, rate: 0 },
      },
    ]);
  });
});

describe('nodes', () => {
  it('count every life, and leave the first owner the first bill', () => {
    const events = [
      fact('node.allocated', 0, { user: 'ann', services: ['b', 'a', 'b'] }),
      fact('node.released', 10),
      fact('node.allocated', 20, { user: 'bob' }),
      fact('node.released', 30),
    ];
    expect(levels(events)).toEqual({ nodes: '+1@0 -1@10 +1@20 -1@30' });
    const owners = fold(events).contributions.changes.map(({ dims }) => dims.user);
    expect(owners).toEqual(['ann', 'ann', 'bob', 'bob']);
    expect(fold(events).contributions.changes[0]!.dims).toMatchObject({
      cluster: 'c1',
      services: ['a', 'b'],
    });
  });

  it('keep lives of different names apart', () => {
    const events = [
      fact('node.allocated', 0, { life: 'a' }),
      fact('node.allocated', 5, { life: 'b' }),
      fact('node.released', 9, { life: 'a' }),
    ];
    expect(levels(events)).toEqual({ nodes: '+1@0 -1@9 +1@5' });
    expect(amounts(events)).toEqual(['nodes{}=1']);
  });
});

describe('contributions', () => {
  it('depend on the set of facts, not on their order', () => {
    const types = [
      'queued',
      'blocked',
      'unblocked',
      'assigned',
      'requeued',
      'started',
      'completed',
      'failed',
      'aborted',
      'removed',
    ];
    const arbitrary = fc.array(
      fc.record({
        type: fc.constantFrom(...types),
        t: fc.nat(6),
        attempt: fc.integer({ min: 1, max: 3 }),
        final: fc.boolean(),
        nodes: fc.option(fc.nat(3), { nil: undefined }),
      }),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(arbitrary, fc.array(fc.nat(), { minLength: 9, maxLength: 9 }), (rows, random) => {
        const events = rows.map(({ type, t, ...data }) => fact(`job.${type}`, t, data));
        expect(canonical(fold(shuffled(events, random)).contributions)).toEqual(
          canonical(fold(events).contributions),
        );
      }),
      { numRuns: 500 },
    );
  });
});
