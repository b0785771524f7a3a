import { type CurrentEvent, type EventType } from '@quipu/contracts';
import fc from 'fast-check';
import { event, fold } from '../fixtures/fold-events.js';
import { metricFamilies } from './catalogue.js';

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });
const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const one = (
  types: readonly EventType[],
  subjects: readonly string[],
  data: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<CurrentEvent> =>
  fc
    .record({ type: oneOf(...types), subject: oneOf(...subjects), t: fc.nat(8), data: fc.record(data) })
    .map(({ type, subject, t, data: fields }) => {
      const told = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
      return event(type, subject, t * 1_000, told);
    });
const flag = maybe(fc.boolean());
const scope = maybe(oneOf('', 'acme', 'other'));

/** Events of every kind, few enough subjects and instants that they meet. */
const anything: fc.Arbitrary<CurrentEvent> = fc.oneof(
  one(
    [
      'job.queued',
      'job.blocked',
      'job.assigned',
      'job.started',
      'job.completed',
      'job.failed',
      'job.aborted',
      'job.removed',
    ],
    ['job/1', 'job/2'],
    {
      queue: maybe(oneOf('q', 'r')),
      taskType: maybe(oneOf('Worker', 'Server')),
      taskName: maybe(oneOf('sbuild', 'blhc')),
      attempt: maybe(oneOf(1, 2)),
      final: flag,
      worker: maybe(oneOf('w1', 'w2')),
      workerTenant: fc.constant('acme'),
      nodes: maybe(oneOf(0, 1, 1_000_000)),
      result: maybe(oneOf('success', 'error')),
      labels: maybe(oneOf({}, { hostArchitecture: 'amd64' }, { backend: 'qemu' })),
      statistics: maybe(oneOf({}, { duration: 0.0004 }, { duration: 2.5 }, { duration: 1e300 })),
    },
  ),
  one(
    [
      'worker.registered',
      'worker.updated',
      'worker.connected',
      'worker.disconnected',
      'worker.heartbeat',
      'worker.lost',
      'worker.retired',
    ],
    ['worker/w1', 'worker/w2'],
    {
      pool: maybe(oneOf('p', 'p2')),
      type: maybe(oneOf('external')),
      architectures: maybe(oneOf([], ['amd64'], ['x-32', 'amd64'])),
      enabled: flag,
    },
  ),
  one(['instance.launched', 'instance.terminated'], ['instance/1', 'instance/2'], {
    pool: maybe(oneOf('p', 'p2')),
    life: maybe(oneOf('a')),
  }),
  one(['artifact.created', 'artifact.deleted'], ['artifact/1', 'artifact/2'], {
    category: oneOf('a', 'b'),
    scope,
    files: maybe(
      oneOf(
        [],
        [{ size: 0 }],
        [{ size: 1_024 }, { size: 1_025 }],
        [{ size: 2 ** 53 - 1 }, { size: 2 ** 53 - 1 }],
      ),
    ),
  }),
  one(['identity.set', 'identity.removed'], ['identity/1', 'identity/2'], {
    issuer: oneOf('x', 'y'),
    user: maybe(oneOf('ann', 'bob')),
  }),
  one(['user.set'], ['user/ann', 'user/bob'], { active: flag, system: flag }),
  one(['user.removed'], ['user/bob'], {}),
  one(['workflow.created'], ['workflow/1', 'workflow/2'], {
    user: maybe(oneOf('ann', 'bob')),
    parent: maybe(oneOf('1')),
    scope,
  }),
  one(['token.set', 'token.seen', 'token.removed'], ['token/1', 'token/2'], {
    enabled: flag,
    user: maybe(oneOf('ann')),
    worker: maybe(oneOf('w1')),
  }),
  one(['collection.set', 'collection.removed'], ['collection/1', 'collection/2'], {
    category: oneOf('a', 'b'),
    scope,
    items: maybe(oneOf(0, 1, 2)),
  }),
  one(['workspace.set', 'workspace.removed'], ['workspace/1'], { private: flag, expires: flag, scope }),
  one(['file_store.set', 'file_store.removed'], ['file_store/1', 'file_store/2'], {
    backend: oneOf('S3'),
    totalSize: maybe(oneOf(0, 7)),
    maxSize: maybe(oneOf(0, 9)),
  }),
  one(['host.reported'], ['host/1', 'host/2'], {
    name: maybe(oneOf('alpha', 'beta')),
    online: flag,
    snapshots: maybe(oneOf(0, 3)),
    lastRunOutcome: maybe(oneOf('success', 'failure')),
  }),
  one(['alert.opened', 'alert.closed'], ['alert/1', 'alert/2'], {
    severity: oneOf('info', 'critical'),
    host: maybe(oneOf('1', '2')),
  }),
  one(['worker_pool.set', 'worker_pool.removed'], ['worker_pool/p', 'worker_pool/p2'], {}),
);

/** The events in another order. */
function shuffled<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

describe('contributions of every kind', () => {
  it('are those of the set of events: in any order the same amounts and members, and none of zero or less', () => {
    const worlds = fc
      .array(anything, { minLength: 1, maxLength: 25 })
      .chain((events) => fc.tuple(fc.constant(events), shuffled(events)));
    fc.assert(
      fc.property(worlds, ([events, other]) => {
        const sums = fold(events);
        expect(fold(other)).toEqual(sums);
        for (const [name, value] of Object.entries(sums.amounts)) {
          expect(value).not.toBe('0');
          // Only what accrues stands below zero: minus the starts of what is open.
          const family = name.split('|')[0]!;
          if (
            !/^(quipu_node_seconds|worker_seconds|worker_pool_runtime|tokens_last_seen:sum)$/.test(family)
          ) {
            expect(BigInt(value)).toBeGreaterThan(0n);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('add up over labels after every deletion and change of label', () => {
    const changes = fc.array(
      one(['artifact.created', 'artifact.deleted'], ['artifact/1', 'artifact/2', 'artifact/3'], {
        category: oneOf('a', 'b', 'c'),
        scope,
        files: oneOf([], [{ size: 5 }], [{ size: 5 }, { size: 5_000 }]),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(changes, (events) => {
        const sums = fold(events).amounts;
        const total = (family: string): bigint =>
          Object.entries(sums).reduce(
            (sum, [name, value]) => (name.startsWith(`${family}|`) ? sum + BigInt(value) : sum),
            0n,
          );
        const gone = new Set(
          events.filter(({ type }) => type === 'artifact.deleted').map(({ subject }) => subject),
        );
        const left = new Set(events.map(({ subject }) => subject).filter((subject) => !gone.has(subject)));
        expect(total('artifacts')).toBe(BigInt(left.size));
        expect(total('artifact_file_counts')).toBe(BigInt(left.size));
        expect(total('artifact_file_sizes')).toBe(total('artifact_file_counts:sum'));
        expect(total('artifact_file_sizes:sum')).toBe(total('artifact_file_size'));
        expect(total('artifact_file_size')).toBe(total('quipu_artifact_bytes'));
        if (left.size === 0)
          expect(Object.keys(sums).filter((name) => name.startsWith('artifact'))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('carry exactly the labels that their family declares', () => {
    const declared = new Map(
      metricFamilies.flatMap((family) =>
        family.source === 'totals' ? [[family.stored, family] as const] : [],
      ),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 30 }), (events) => {
        const { amounts, members } = fold(events);
        for (const name of [...Object.keys(amounts), ...Object.keys(members)]) {
          const [stored = '', , text = ''] = name.split('|');
          const [base = '', suffix] = stored.split(':');
          const family = declared.get(base)!;
          const labels = Object.keys(JSON.parse(text) as object);
          expect(labels).toEqual([...labels].sort());
          const kept = family.labels.filter((label) => label !== family.tenantLabel);
          if (family.form === 'distribution' && suffix === undefined) kept.push('le');
          if (family.tenantLabel === 'scope' && labels.includes('scope')) kept.push('scope');
          expect(labels.filter((label) => !label.startsWith('architecture_'))).toEqual(kept.sort());
        }
      }),
      { numRuns: 100 },
    );
  });
});
