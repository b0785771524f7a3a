import type { EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { draft, instant, maybe, moment, type Draft } from './drafts.js';
import { step, teller, type Step } from './steps.js';

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

const workerFields = {
  type: maybe(fc.constantFrom('external', 'celery')),
  pool: maybe(fc.constantFrom('p1', 'p2')),
  host: maybe(fc.constantFrom('h1')),
  concurrency: maybe(fc.constantFrom(0, 1, 2, 4, 999_983)),
  hostArchitecture: maybe(fc.constantFrom('amd64', 'arm64')),
  architectures: maybe(
    fc.array(fc.constantFrom('amd64', 'kfreebsd-amd64', 'kfreebsd_amd64', '\uFF5E', '\u{1F9F6}"'), {
      maxLength: 3,
    }),
  ),
  enabled: maybe(fc.boolean()),
};

/** Events that need not make sense, of one worker with lives named and nameless. */
const chaoticWorker: fc.Arbitrary<Draft[]> = fc
  .array(
    draft(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant<EventType>('worker.registered') },
        {
          weight: 12,
          arbitrary: fc.constantFrom<EventType>(
            'worker.connected',
            'worker.connected',
            'worker.heartbeat',
            'worker.disconnected',
            'worker.lost',
            'worker.lost',
            'worker.updated',
          ),
        },
        { weight: 1, arbitrary: fc.constant<EventType>('worker.retired') },
      ),
      instant,
      fc.record({
        ...workerFields,
        life: maybe(fc.constantFrom('a', 'b'), 2),
        estimated: maybe(fc.constantFrom(true, true, true, false), 1),
      }),
    ),
    { minLength: 1, maxLength: 10 },
  )
  .chain(withSince);

/**
 * The drafts, in which losses that are estimated name the connection that they end: mostly the last one before, of the
 * same life; some of them another, or none.
 */
function withSince(drafts: readonly Draft[]): fc.Arbitrary<Draft[]> {
  const choices = fc.constantFrom('last', 'last', 'last', 'any', 'none');
  return fc.tuple(...drafts.map(() => fc.tuple(choices, fc.nat()))).map((picks) =>
    drafts.map((each, index): Draft => {
      const [choice, nth] = picks[index] ?? ['none', 0];
      if (each.type !== 'worker.lost' || each.data['estimated'] !== true || choice === 'none') return each;
      const connected = drafts.filter(({ type }) => type === 'worker.connected');
      const before = connected.filter(
        ({ time, data }) => time <= each.time && data['life'] === each.data['life'],
      );
      const last = before.toSorted((a, b) => a.time - b.time).at(-1);
      const since = choice === 'last' ? last : connected[nth % connected.length];
      return since === undefined ? each : { ...each, data: { ...each.data, since: moment(since.time) } };
    }),
  );
}

const sign = (...types: readonly EventType[]): fc.Arbitrary<Step> => step(types, fc.constant({}));
const about = (...types: readonly EventType[]): fc.Arbitrary<Step> => step(types, fc.record(workerFields));
/** What a sweeper reports when it has not heard of a worker for long. */
const thoughtLost = step(['worker.lost'], fc.constant({ estimated: true }), [0, 0, 0, 1]);

/** One run of a worker's process: a life, in which it may be thought lost while it is not. */
const workerLife: fc.Arbitrary<Step[]> = fc
  .tuple(
    about('worker.registered'),
    sign('worker.connected'),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: sign('worker.heartbeat') },
        { weight: 3, arbitrary: thoughtLost },
        { weight: 1, arbitrary: sign('worker.connected') },
        { weight: 1, arbitrary: about('worker.updated') },
      ),
      { maxLength: 5 },
    ),
    maybe(sign('worker.disconnected', 'worker.disconnected', 'worker.lost'), 2),
  )
  .map(([registered, connected, signs, ended]) =>
    [registered, connected, ...signs, ended].filter((each) => each !== undefined),
  );

/** What usually happens to a worker: lives one after the other, or at the same time, and its retirement now and then. */
const livedWorker: fc.Arbitrary<Draft[]> = fc
  .tuple(
    instant,
    fc.array(fc.tuple(workerLife, maybe(fc.constantFrom('a', 'b'), 3), fc.boolean()), {
      minLength: 1,
      maxLength: 3,
    }),
    maybe(about('worker.retired'), 2),
  )
  .map(([begun, lives, retired]) => {
    let tell = teller(begun, 'w1');
    const drafts = lives.flatMap(([steps, life, atOnce]) => {
      if (atOnce) tell = teller(begun, 'w2');
      return steps.flatMap((each) => tell(each, { life }));
    });
    return [...drafts, ...(retired === undefined ? [] : tell(retired, {}))];
  })
  .chain(withSince);

/** The events of one worker. */
export const worker: fc.Arbitrary<Draft[]> = fc.oneof(chaoticWorker, livedWorker);

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
