import { type CurrentEvent } from '@quipu/contracts';
import fc from 'fast-check';
import { amounts, canonical, fact, fold, levels, shuffled } from '../../fixtures/fold-entity.js';
import { type EntityKey, entityKinds } from '../index.js';
import { levelIntervals } from '../level-intervals.js';
import { type WorkerState } from './worker-state.js';
import { workerLives } from './worker-timeline.js';
import { workerView } from './worker.js';

const registered = (t = 0, data: object = {}): CurrentEvent => fact('worker.registered', t, { ...data });
const connected = (t: number, life?: string): CurrentEvent =>
  fact('worker.connected', t, life ? { life } : {});
const beat = (t: number, life?: string): CurrentEvent => fact('worker.heartbeat', t, life ? { life } : {});
/** A loss that the sweeper estimates, of the connection that began at `since`. */
const lost = (t: number, since?: number, life?: string): CurrentEvent =>
  fact('worker.lost', t, {
    estimated: true,
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(life === undefined ? {} : { life }),
  });
const stateOf = (events: readonly CurrentEvent[]): WorkerState => fold(events).state;
const view = (events: readonly CurrentEvent[]) => workerView(stateOf(events));

describe('workers', () => {
  it('are offline, idle or busy once registered', () => {
    const state = (events: readonly CurrentEvent[]): string[] => amounts(events);
    const registered = fact('worker.registered', 0, { pool: 'p', type: 'celery' });
    expect(state([fact('worker.connected', 1)])).toEqual([]);
    expect(state([registered])).toEqual(['quipu_workers{"pool":"p","state":"offline","type":"celery"}=1']);
    expect(state([registered, fact('worker.heartbeat', 5)])).toEqual([
      'quipu_workers{"pool":"p","state":"idle","type":"celery"}=1',
    ]);
    expect(state([registered, fact('worker.heartbeat', 5), fact('worker.disconnected', 5)])[0]).toContain(
      'offline',
    );
    expect(state([registered, fact('worker.retired', 9)])).toEqual([]);
  });

  it('are busy while a job holds them', () => {
    const key: EntityKey = { tenant: 'acme', kind: 'worker', id: 'worker/w1' };
    const kind = entityKinds.worker;
    let state = kind.merge(kind.empty(key), fact('worker.registered', 0));
    state = kind.linked(kind.merge(state, fact('worker.connected', 1)), { name: 'job' }, true);
    const states = (of: typeof state): string[] =>
      kind
        .contributions(key, of)
        .amounts.filter(({ series }) => series.family === 'quipu_workers')
        .map(({ series }) => (JSON.parse(series.labels) as Record<string, string>)['state']!);
    expect(states(state)).toEqual(['busy']);
    expect(states(kind.linked(state, { name: 'job' }, false))).toEqual(['idle']);
  });
});

describe('slots of workers', () => {
  it('are offline until it connects, idle while it is, for as many as it has', () => {
    const life = [
      registered(0, { concurrency: 4 }),
      connected(10),
      fact('worker.disconnected', 30),
      fact('worker.retired', 50),
    ];
    expect(levels(life.slice(0, 1))).toEqual({ offline: '+4@0' });
    expect(levels(life.slice(0, 2))).toEqual({ offline: '+4@0 -4@10', idle: '+4@10' });
    expect(levels(life)).toEqual({ offline: '+4@0 -4@10 +4@30 -4@50', idle: '+4@10 -4@30' });
    expect(fold(life).contributions.changes[0]!.dims).toEqual({
      ...{ tenant: 'acme', cluster: 'w1', services: [] },
      ...{ user: null, queue: null, template: null, provider: null, hardware: null, image: null },
    });
    expect(levels([registered(0, { concurrency: 0 }), connected(1)])).toEqual({});
    expect(levels([registered(9), fact('worker.retired', 9), connected(1)])).toEqual({});
  });

  it('follow the longest intervals of lives that overlap', () => {
    const events = [
      ...[registered(), connected(10, 'a'), connected(20, 'b')],
      ...[fact('worker.disconnected', 30, { life: 'a' }), fact('worker.disconnected', 40, { life: 'b' })],
      ...[connected(40, 'c')],
    ];
    expect(levels(events)).toEqual({ offline: '+1@0 -1@10', idle: '+1@10' });
    expect(levels([...events, fact('worker.lost', 60, { life: 'c' })])['idle']).toBe('+1@10 -1@60');
  });

  it('tell how every change of a level came about', () => {
    const { key, state } = fold([registered(0, { concurrency: 2 }), connected(10), lost(30, 10)]);
    expect(levelIntervals(key, state, 'idle')).toMatchObject([
      { start: 10, end: 30, d: 2, estimated: true, dims: { cluster: 'w1' } },
    ]);
    expect(levelIntervals(key, state, 'offline')).toMatchObject([
      { start: 0, end: 10, d: 2, estimated: false },
      { start: 30, end: null, d: 2 },
    ]);
    expect(levelIntervals(key, state, 'nodes')).toEqual([]);
  });
});

describe('estimated losses', () => {
  const base = [registered(), connected(10), beat(40), lost(40, 10)];

  it('stand at the last sign of life', () => {
    expect(levels(base)['idle']).toBe('+1@10 -1@40');
    expect(view(base)).toMatchObject({
      connected: false,
      connection: { kind: 'lost', since: 40, estimated: true },
      lastHeartbeat: 40,
    });
    // Before any heartbeat a connection is the only sign.
    expect(levels([registered(), connected(10), lost(10, 10)])).toEqual({ offline: '+1@0' });
  });

  it('are void once a later heartbeat, or a later end, is known', () => {
    expect(levels([...base, beat(70)])['idle']).toBe('+1@10');
    expect(view([...base, beat(70)])).toMatchObject({
      connected: true,
      connection: { kind: 'connected', since: 10, estimated: false },
    });
    expect(levels([...base, fact('worker.disconnected', 60)])['idle']).toBe('+1@10 -1@60');
    expect(levels([...base, fact('worker.lost', 50)])['idle']).toBe('+1@10 -1@50');
    expect(levels([...base, beat(70), lost(70, 10)])['idle']).toBe('+1@10 -1@70');
  });

  it('end the connection that they name, and no other', () => {
    const again = [...base, connected(90), beat(120)];
    expect(levels(again)['idle']).toBe('+1@10 -1@40 +1@90');
    expect(levels([...again, lost(120, 90)])['idle']).toBe('+1@10 -1@40 +1@90 -1@120');
    expect(levels([...base, connected(30)])['idle']).toBe('+1@10');
    expect(levels([registered(), connected(10), lost(5, 10)])['idle']).toBe('+1@10');
  });

  it('of one life say nothing about another', () => {
    const events = [registered(), connected(10, 'a'), beat(40, 'a'), connected(50, 'b'), lost(40, 10, 'a')];
    expect(levels(events)['idle']).toBe('+1@10 -1@40 +1@50');
    expect(workerLives(stateOf(events))).toEqual([
      { life: 'a', inTouch: false, connectedAt: 10, heartbeat: 40, lastSign: 40 },
      { life: 'b', inTouch: true, connectedAt: 50, heartbeat: null, lastSign: 50 },
    ]);
  });

  it('end a life that only sends heartbeats, of which no connection is known', () => {
    const events = [registered(), beat(40)];
    expect(view(events)).toMatchObject({ connected: true, connection: null });
    expect(view([...events, lost(40)]).connected).toBe(false);
    expect(view([...events, lost(40), beat(41)]).connected).toBe(true);
  });
});

describe('the state of a worker', () => {
  it('does not grow with heartbeats, nor with losses that turn out wrong', () => {
    const events = [registered(), connected(10)];
    const size = (some: readonly CurrentEvent[]): number => JSON.stringify(stateOf(some)).length;
    const few = size([...events, beat(1_000), lost(1_000, 10)]);
    for (let t = 1_001; t < 1_500; t++) events.push(beat(t), lost(t, 10));
    // Only the texts of ids and times may be longer.
    expect(size(events)).toBeLessThan(few + 20);
  });

  it('finds the life that speaks without asking the thousands before it', () => {
    const state = stateOf([registered()]);
    let asked = 0;
    for (let n = 0; n < 10_000; n++) {
      const life = () => ((asked += 1), `l${n}`);
      state.lives.push(Object.defineProperty({ edges: [] as [] }, 'life', { get: life }) as never);
    }
    entityKinds.worker.merge(state, beat(5, 'l9999'));
    expect(asked).toBeLessThan(10);
    expect(state.lives.at(-1)!.beat).toEqual({ t: 5, k: 'heartbeat' });
  });

  it('contributes the same in whatever order its facts come, and busy, idle and offline add up', () => {
    const anything = fc.oneof(
      fc.record({
        type: fc.constantFrom(
          ...['registered', 'retired', 'connected', 'heartbeat', 'disconnected', 'lost', 'updated'],
        ),
        t: fc.nat(12),
        life: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
        concurrency: fc.option(fc.nat(3), { nil: undefined }),
      }),
      fc.record({
        type: fc.constant('lost'),
        t: fc.nat(12),
        life: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
        estimated: fc.constant(true),
        since: fc.option(
          fc.nat(12).map((t) => new Date(t).toISOString()),
          { nil: undefined },
        ),
      }),
    );
    const numbers = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 12 }), numbers, (rows, random) => {
        const events = rows.map(({ type, t, ...data }) => fact(`worker.${type}`, t, data));
        const { contributions } = fold(events);
        expect(canonical(fold(shuffled(events, random)).contributions)).toEqual(canonical(contributions));
        let [d, dt] = [0n, 0n];
        for (const change of contributions.changes) {
          d += BigInt(change.d);
          dt += BigInt(change.d) * BigInt(change.t);
        }
        const amount = (family: string): bigint =>
          contributions.amounts
            .filter(({ series }) => series.family === family && series.labels.includes('registered'))
            .reduce((sum, { value }) => sum + BigInt(value), 0n);
        expect([d, -dt]).toEqual([amount('worker_seconds:rate'), amount('worker_seconds')]);
      }),
      { numRuns: 500 },
    );
  });
});
