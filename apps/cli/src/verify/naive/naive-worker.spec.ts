import type { CurrentEvent, EventType } from '@quipu/contracts';
import { NaiveWorker } from './naive-worker.js';
import { clipped, uncovered, union } from './spans.js';

type Told = readonly [time: number, type: EventType, data?: Record<string, unknown>];

function folded(...told: Told[]) {
  const worker = new NaiveWorker('acme', 'worker/w');
  told.forEach(([time, type, data = {}], index) => {
    const envelope = { tenant: 'acme', subject: 'worker/w', source: 's', id: `${index}`, dataversion: 1 };
    worker.add({ ...envelope, type, time, data } as CurrentEvent);
  });
  const { contributions, parts } = worker.close();
  const self = parts.find(({ says }) => 'self' in says)?.says;
  return {
    levels: contributions.changes.map(({ level, t, d }) => `${level} ${t} ${d}`),
    inTouch: self !== undefined && 'self' in self && self.self.inTouch,
    seconds: Object.fromEntries(
      contributions.amounts.map(({ family, labels, value }) => [
        `${labels['state'] ?? ''}${family.endsWith(':rate') ? ' rate' : ''}`,
        Number(value),
      ]),
    ),
  };
}

const registered: Told = [0, 'worker.registered', { concurrency: 3 }];
const connected: Told = [10, 'worker.connected'];
const lost = (time: number, since?: number, life?: string): Told => [
  time,
  'worker.lost',
  {
    estimated: true,
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(life === undefined ? {} : { life }),
  },
];
/** Connected from 10 to an end, or on. */
const until = (end: number | null): string[] => [
  ...['idle 10 3', ...(end === null ? [] : [`idle ${end} -3`])],
  ...['offline 0 3', 'offline 10 -3', ...(end === null ? [] : [`offline ${end} 3`])],
];

describe('the naive fold of a worker', () => {
  it('has its slots idle while it is connected, and offline while it is not', () => {
    const { levels, seconds } = folded(
      registered,
      connected,
      [50, 'worker.disconnected'],
      [90, 'worker.retired'],
    );
    expect(levels).toEqual([
      ...['idle 10 3', 'idle 50 -3', 'offline 0 3', 'offline 10 -3', 'offline 50 3', 'offline 90 -3'],
    ]);
    expect(seconds).toEqual({ connected: 120, registered: 270 });
    expect(folded([0, 'worker.registered']).levels).toEqual(['offline 0 1']);
    expect(folded([0, 'worker.registered', { concurrency: 0 }]).levels).toEqual([]);
    expect(folded(connected).levels).toEqual([]);
    expect(folded([5, 'worker.registered'], [5, 'worker.retired'], connected).levels).toEqual([]);
  });

  it('is connected while one of its lives is', () => {
    const { levels } = folded(
      registered,
      ...([10, 30] as const).map((t, n): Told => [t, 'worker.connected', { life: `${n}` }]),
      ...([30, 40] as const).map((t, n): Told => [t, 'worker.disconnected', { life: `${n}` }]),
    );
    expect(levels).toEqual(until(40));
  });

  it('is lost when it was last heard of, until something says that it was there for longer', () => {
    const base = [registered, connected];
    expect(folded(...base, lost(30, 10)).levels).toEqual(until(30));
    expect(folded(...base, lost(20, 10), lost(30, 10), lost(25, 10)).levels).toEqual(until(30));
    expect(folded(...base, lost(30, 10), [30, 'worker.heartbeat']).levels).toEqual(until(30));
    expect(folded(...base, lost(30, 10), [31, 'worker.heartbeat']).levels).toEqual(until(null));
    expect(folded(...base, lost(30, 10), [40, 'worker.disconnected']).levels).toEqual(until(40));
    expect(folded(...base, lost(30, 10), [20, 'worker.disconnected']).levels).toEqual(until(20));
    expect(folded(...base, lost(30, 10), [40, 'worker.lost']).levels).toEqual(until(40));
  });

  it('stays lost until it connects again, in whatever life', () => {
    const again = ['idle 10 3', 'idle 30 -3', 'idle 40 3', 'offline 0 3', 'offline 10 -3', 'offline 30 3'];
    const base = [registered, connected, lost(30, 10)];
    const heard: Told = [50, 'worker.heartbeat'];
    expect(folded(...base, [40, 'worker.connected'], heard).levels).toEqual([...again, 'offline 40 -3']);
    const other: Told = [40, 'worker.connected', { life: 'b' }];
    expect(folded(...base, other).levels).toEqual([...again, 'offline 40 -3']);
    expect(folded(...base, [30, 'worker.connected']).levels).toEqual(until(null));
  });

  it('is not lost by what is about another connection, or no connection, or another life', () => {
    for (const wrong of [lost(30), lost(30, 11), lost(9, 10), lost(30, 10, 'b')]) {
      expect(folded(registered, connected, wrong)).toMatchObject({ levels: until(null), inTouch: true });
    }
  });

  it('is in touch by its heartbeats, though they are no connection', () => {
    const beats: Told[] = [registered, [20, 'worker.heartbeat'], [15, 'worker.heartbeat']];
    expect(folded(...beats)).toMatchObject({ levels: ['offline 0 3'], inTouch: true });
    expect(folded(...beats, lost(20)).inTouch).toBe(false);
    expect(folded(...beats, lost(19)).inTouch).toBe(true);
    expect(folded(...beats, lost(20, 10)).inTouch).toBe(true);
    expect(folded(...beats, connected, lost(20)).inTouch).toBe(true);
    expect(folded(...beats, connected, lost(20, 10)).inTouch).toBe(false);
    expect(folded(...beats, connected, [18, 'worker.disconnected']).inTouch).toBe(true);
    expect(folded(...beats, connected, [20, 'worker.disconnected']).inTouch).toBe(false);
    expect(folded(...beats, [30, 'worker.lost']).inTouch).toBe(false);
  });
});

describe('spans', () => {
  it('are joined where they touch or overlap, clipped, and leave the rest uncovered', () => {
    const spans = union([
      { start: 40, end: null },
      { start: 0, end: 10 },
      { start: 7, end: 7 },
      { start: 10, end: 20 },
      { start: 12, end: 15 },
    ]);
    expect(spans).toEqual([
      { start: 0, end: 20 },
      { start: 40, end: null },
    ]);
    expect(clipped(spans, { start: 5, end: 40 })).toEqual([{ start: 5, end: 20 }]);
    expect(uncovered(spans, { start: -5, end: null })).toEqual([
      { start: -5, end: 0 },
      { start: 20, end: 40 },
    ]);
    expect(uncovered([], { start: 5, end: null })).toEqual([{ start: 5, end: null }]);
    expect(uncovered([], { start: 5, end: 5 })).toEqual([]);
  });
});
