import type { CurrentEvent, EventType } from '@quipu/contracts';
import { Root } from './folds.js';
import { naiveNode } from './naive-node.js';
import { NaiveWorker } from './naive-worker.js';

type Told = readonly [time: number, type: EventType, data?: Record<string, unknown>];

function events(subject: string, told: readonly Told[]): CurrentEvent[] {
  return told.map(([time, type, data = {}], index) => {
    const envelope = { tenant: 'acme', subject, source: 's', id: `${index}`, dataversion: 1 };
    return { ...envelope, type, time, data } as CurrentEvent;
  });
}

describe('the naive fold of a node', () => {
  const fold = (subject: string, ...told: Told[]) => naiveNode('acme', subject, events(subject, told));
  const changes = (...told: Told[]) => fold('node/k/1', ...told).changes.map(({ t, d }) => [t, d]);

  it('counts every life', () => {
    expect(
      changes([0, 'node.allocated'], [10, 'node.released'], [20, 'node.allocated'], [30, 'node.released']),
    ).toEqual([
      [0, 1],
      [10, -1],
      [20, 1],
      [30, -1],
    ]);
  });

  it('takes a second allocation of a live node for the same life, unless it names another one', () => {
    expect(changes([0, 'node.allocated'], [5, 'node.allocated'], [10, 'node.released'])).toEqual([
      [0, 1],
      [10, -1],
    ]);
    expect(changes([0, 'node.allocated'], [5, 'node.allocated', { life: 'b' }])).toEqual([
      [0, 1],
      [5, 1],
    ]);
  });

  it('holds an end back that met nothing open, but only while nothing else closes the life', () => {
    expect(changes([0, 'node.released'], [5, 'node.allocated'])).toEqual([]);
    expect(changes([0, 'node.released'], [5, 'node.allocated'], [9, 'node.released'])).toEqual([
      [5, 1],
      [9, -1],
    ]);
    expect(fold('node/k/1', [0, 'node.released'], [5, 'node.allocated']).amounts).toEqual([
      { family: 'intervals_skewed', tenant: 'acme', labels: { kind: 'node' }, value: 1 },
    ]);
  });

  it('reads the cluster from the subject where no fact tells it', () => {
    const cluster = (subject: string, data: Record<string, unknown>) =>
      fold(subject, [0, 'node.allocated', data]).changes[0]?.dims.cluster;
    expect(cluster('node/k/1', {})).toBe('k');
    expect(cluster('node/k/1/2', {})).toBe('k');
    expect(cluster('node/k/1', { cluster: 'c' })).toBe('c');
    expect(cluster('node/alone', {})).toBeNull();
  });

  it('sorts services and names each once', () => {
    const services = ['web', '\uFF5E', 'db', '\u{1F9F6}', 'web'];
    expect(fold('node/1', [0, 'node.allocated', { services }]).changes[0]?.dims.services).toEqual([
      'db',
      'web',
      '\u{1F9F6}',
      '\uFF5E',
    ]);
  });
});

describe('the naive fold of a worker', () => {
  const states = (...told: Told[]) => {
    const worker = new NaiveWorker('acme', 'worker/w');
    for (const event of events('worker/w', told)) worker.add(event);
    const { parts } = worker.close();
    const state = (held: boolean) => {
      const root = new Root('worker', 'acme', 'worker/w');
      for (const part of parts) root.add(part);
      if (held) root.add({ root: 'worker', tenant: 'acme', id: 'worker/w', says: { held: true } });
      const { amounts } = root.contributions();
      return amounts.find(({ family }) => family === 'quipu_workers')?.labels['state'];
    };
    return [state(false), state(true)];
  };

  it('is idle or busy while connected, else offline', () => {
    expect(states([0, 'worker.registered'])).toEqual(['offline', 'offline']);
    expect(states([0, 'worker.registered'], [1, 'worker.heartbeat'])).toEqual(['idle', 'busy']);
    expect(states([0, 'worker.registered'], [1, 'worker.lost'], [1, 'worker.heartbeat'])).toEqual([
      'offline',
      'offline',
    ]);
    expect(states([0, 'worker.registered'], [1, 'worker.lost'], [2, 'worker.heartbeat'])).toEqual([
      'idle',
      'busy',
    ]);
  });

  it('counts once registered and never again once retired', () => {
    expect(states([0, 'worker.connected'])).toEqual([undefined, undefined]);
    expect(states([0, 'worker.retired'], [5, 'worker.registered'])).toEqual([undefined, undefined]);
  });
});
