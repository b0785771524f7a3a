import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { draft, instant, maybe, type Draft } from './drafts.js';

/** The events of one node: lives named and nameless, second lives, releases without a start. */
export const node: fc.Arbitrary<Draft[]> = fc.array(
  draft(
    fc.constantFrom<EventType>('node.allocated', 'node.released'),
    instant,
    fc.record({
      user: maybe(fc.constantFrom('ann', 'bob')),
      cluster: maybe(fc.constantFrom('c1', 'c2'), 3),
      clusterTemplate: maybe(fc.constantFrom('small', 'large')),
      provider: maybe(fc.constantFrom('aws', 'gce')),
      hardwareType: maybe(fc.constantFrom('m1', 'm2'), 3),
      imageType: maybe(fc.constantFrom('debian', 'alpine'), 3),
      services: maybe(fc.array(fc.constantFrom('db', 'web', '\uFF5E', '\u{1F9F6}'), { maxLength: 4 }), 2),
      life: maybe(fc.constantFrom('1', '2'), 4),
    }),
  ),
  { minLength: 1, maxLength: 10 },
);

/** The events of one worker. */
export const worker: fc.Arbitrary<Draft[]> = fc.array(
  draft(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant<EventType>('worker.registered') },
      {
        weight: 8,
        arbitrary: fc.constantFrom<EventType>(
          'worker.connected',
          'worker.heartbeat',
          'worker.disconnected',
          'worker.lost',
          'worker.updated',
        ),
      },
      { weight: 1, arbitrary: fc.constant<EventType>('worker.retired') },
    ),
    instant,
    fc.record({
      type: maybe(fc.constantFrom('external', 'celery')),
      pool: maybe(fc.constantFrom('p1', 'p2')),
      host: maybe(fc.constantFrom('h1')),
      concurrency: maybe(fc.integer({ min: 0, max: 4 })),
      hostArchitecture: maybe(fc.constantFrom('amd64', 'arm64')),
      architectures: maybe(
        fc.array(fc.constantFrom('amd64', 'kfreebsd-amd64', 'kfreebsd_amd64', '\uFF5E', '\u{1F9F6}"'), {
          maxLength: 3,
        }),
      ),
      enabled: maybe(fc.boolean()),
    }),
  ),
  { minLength: 1, maxLength: 8 },
);

/** The events of one instance of a pool: lives as nodes have them. */
export const instance: fc.Arbitrary<Draft[]> = fc.array(
  draft(
    fc.constantFrom<EventType>('instance.launched', 'instance.terminated'),
    instant,
    fc.record({
      pool: maybe(fc.constantFrom('p1', 'p2', 'größe|{"}'), 1),
      worker: maybe(fc.constant('w1')),
      life: maybe(fc.constantFrom('1', '2'), 4),
    }),
  ),
  { minLength: 1, maxLength: 8 },
);
