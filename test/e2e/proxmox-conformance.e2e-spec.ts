import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, createRedis } from '@quipu/platform';
import { GenerationStore, KEPT_GENERATIONS, PointTotalsReader } from '@quipu/read-models';
import type { Redis } from 'ioredis';
import { HostPoints } from '../../apps/projector/src/sampler/host-points.js';
import { Sampler } from '../../apps/projector/src/sampler/sampler.js';
import { HOST_COUNTS, hostFiles } from '../../apps/projector/test/host-files.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

interface ConformanceCase {
  readonly id: string;
  readonly kind: string;
  readonly input: {
    readonly nowEpochSeconds?: number;
    readonly storedGenerationTimestampsNewestFirst?: readonly number[];
    readonly query?: Readonly<Record<string, string | number>>;
    readonly request?: { readonly path: string };
    readonly pointIds?: readonly string[];
    readonly keepOld?: number;
    readonly sets?: readonly unknown[];
    readonly delete?: boolean;
    readonly calls?: readonly number[];
  };
  readonly expected: {
    readonly status?: number;
    readonly contentType?: string;
    readonly body?: unknown;
    readonly delaySeconds?: number;
    readonly generationTimestampsAscending?: readonly number[];
    readonly points?: readonly (readonly [string, string, string])[];
    readonly idsReturned?: Readonly<Record<string, readonly string[]>>;
    readonly results?: readonly (readonly unknown[])[];
  };
}

interface Point {
  readonly id: string;
  readonly metric: string;
  readonly timestamp: number;
  readonly type: string;
  readonly value: number;
}

/** Cases answered otherwise, and what is answered instead (docs/compatibility.md says why). */
const DEVIATIONS: Readonly<
  Record<string, (expected: ConformanceCase['expected'], one: ConformanceCase) => ConformanceCase['expected']>
> = {
  // All that is newer, and not as many as there would be if none were denser than ten seconds.
  'pbs.metrics.history_dense_generations_truncated': (expected, { input }) => ({
    ...expected,
    generationTimestampsAscending: [...input.storedGenerationTimestampsNewestFirst!]
      .filter((timestamp) => timestamp > Number(input.query!['start-time']))
      .sort((a, b) => a - b),
  }),
  // Nobody measures what a file store reads and writes.
  'pbs.names.full_generation': ({ points = [], ...expected }) => ({
    ...expected,
    points: points.filter(([id, metric]) => id === 'host' || !/^disk_(read|write)$/.test(metric)),
  }),
};
/** About the insides of the original; what can be seen of them is checked. */
const INTERNAL = new Set(['pbs.cache.delete', 'pbs.cache.keep_old_2']);

const casesOf = (name: string): ConformanceCase[] => {
  const theirs = join(import.meta.dirname, '../../../shared/conformance', name);
  return existsSync(theirs)
    ? (JSON.parse(readFileSync(theirs, 'utf8')) as { cases: ConformanceCase[] }).cases
    : [];
};
const pbs = casesOf('pbs.json');
const pve = casesOf('pve.json');
const conformance = pbs.length > 0 ? describe : describe.skip;
if (pbs.length === 0)
  process.stderr.write('skipped: the shared Proxmox conformance cases are not beside this repository\n');

conformance('Proxmox, shared conformance cases', () => {
  const NOW = 1_700_000_000_000;
  const logger = createLogger('test', 'silent');
  let system: TestSystem;
  let redis: Redis;
  let root: string;
  let tenant: string;
  let reporter: string;

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    redis = createRedis(system.redisUrl, 'plain');
    root = await system.principal('superadmin', 'root', 'superadmin');
    await system.tenants.create({ id: 'acme', name: 'acme' });
    tenant = await system.principal('acme', 'ann', 'admin');
    reporter = await system.principal('acme', 'robot', 'reporter');
  }, 60_000);
  const forget = async (): Promise<void> => {
    const kept = await redis.keys('{quipu}:generations*');
    await redis.del('{quipu}:sampler', '{quipu}:sampler:lease', ...kept);
  };
  beforeEach(forget);
  afterAll(async () => {
    redis.disconnect();
    await system.stop();
  });

  /** Keeps generations with a point of each id; given and kept the newest first or last, as they come about. */
  const keep = async (timestamps: readonly number[], ids: readonly string[], most?: number) => {
    const store = new GenerationStore(redis, most);
    await store.takeLease('test', 600_000);
    for (const timestamp of [...timestamps].sort((a, b) => a - b)) {
      const points = ids.map((id) => ({ id, metric: 'cpu_avg1', type: 'gauge' as const, value: 0.12 }));
      const generation = { timestamp, points, leftOut: 0, epoch: '' };
      expect(await store.add('test', generation, timestamp)).toBe('stored');
    }
    return store;
  };
  const ask = (secret: string | null, query = '', path = '/api2/json/status/metrics') =>
    system.request({
      ...{ method: 'GET' as const, url: path + (query === '' ? '' : `?${query}`) },
      headers: secret === null ? {} : { authorization: `Bearer ${secret}` },
    });
  const queryOf = (query: ConformanceCase['input']['query']): string =>
    new URLSearchParams(
      Object.entries(query ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();

  const select = async ({ input }: ConformanceCase, expected: ConformanceCase['expected']) => {
    system.clock.set(input.nowEpochSeconds! * 1000);
    await keep(input.storedGenerationTimestampsNewestFirst!, ['host', 'tenant/acme']);
    for (const [path, unwrap] of [
      ['/api2/json/status/metrics', (body: { data: { data: Point[] } }) => body.data.data],
      ['/api2/extjs/status/metrics', (body: { data: { data: Point[] } }) => body.data.data],
    ] as const) {
      const answer = await ask(root, queryOf(input.query), path);
      expect(answer.statusCode).toBe(expected.status);
      const points = unwrap(answer.json()).filter(({ id }) => id === 'host');
      expect(points.map(({ timestamp }) => timestamp)).toEqual(expected.generationTimestampsAscending);
    }
    const own = (await ask(tenant, queryOf(input.query))).json().data.data as Point[];
    expect(own.map(({ id, timestamp }) => [id, timestamp])).toEqual(
      expected.generationTimestampsAscending!.map((timestamp) => ['tenant/acme', timestamp]),
    );
  };

  const names = async (expected: ConformanceCase['expected']) => {
    const now = NOW + 60_000;
    system.clock.set(now);
    await system.report([
      {
        ...{ type: 'file_store.set', tenant: 'superadmin', subject: 'file_store/foo', time: now - 1_000 },
        data: { backend: 'local', totalSize: 5, maxSize: 8 },
      },
    ]);
    const { proc, sys, root: place } = await hostFiles();
    try {
      const host = new HostPoints({ counts: HOST_COUNTS, logger, paths: { proc, sys, root: place } });
      await host.look();
      await writeFile(join(proc, 'stat'), 'cpu  2000 0 500 9000 500 0 0 0 300 0\n');
      const sampler = new Sampler({
        ...{ store: new GenerationStore(redis), totals: new PointTotalsReader(redis), host },
        ...{ clock: system.clock, logger },
      });
      expect(await sampler.tick()).toBe('stored');
      await sampler.stop();
    } finally {
      await rm(place, { recursive: true });
    }
    const points = (await ask(root)).json().data.data as Point[];
    const seen = points.filter(({ id }) => /^(host$|datastore)/.test(id));
    expect(seen.map(({ id, metric, type }) => [id, metric, type])).toEqual(expected.points);
    expect(new Set(points.map(({ timestamp }) => timestamp))).toEqual(
      new Set([Math.floor(now / 10_000) * 10]),
    );
  };

  const permissions = async ({ input }: ConformanceCase, expected: ConformanceCase['expected']) => {
    system.clock.set(NOW);
    if (expected.status === 401) {
      const began = performance.now();
      for (const answer of await Promise.all([null, 'qk_nothing'].map((secret) => ask(secret)))) {
        expect([answer.statusCode, answer.headers['content-type'], answer.body]).toEqual([
          ...[expected.status, expected.contentType, expected.body],
        ]);
        expect(performance.now() - began).toBeGreaterThan(expected.delaySeconds! * 1000 - 20);
      }
      return;
    }
    await keep([NOW / 1000], input.pointIds!);
    // Privileges are roles here: theirs is something else, which is not there.
    for (const secret of [reporter, tenant]) {
      const answer = await ask(secret, 'history=1');
      expect([answer.statusCode, answer.json()]).toEqual([expected.status, { data: { data: [] } }]);
    }
    expect(Object.values(expected.idsReturned!)).toEqual(Object.values(expected.idsReturned!).map(() => []));
  };

  it.each(pbs.filter(({ id }) => !INTERNAL.has(id)).map((one) => [one.id, one] as const))(
    '%s',
    async (id, one) => {
      const expected = DEVIATIONS[id]?.(one.expected, one) ?? one.expected;
      switch (one.kind) {
        case 'pull-metrics':
          return select(one, expected);
        case 'pull-metrics-names':
          return names(expected);
        case 'pull-metrics-permissions':
          return permissions(one, expected);
        default: {
          const answer = await ask(root, '', one.input.request!.path);
          expect([answer.statusCode, answer.json()]).toEqual([expected.status, expected.body]);
        }
      }
    },
    30_000,
  );

  it.each(pbs.filter(({ id }) => INTERNAL.has(id)).map((one) => [one.id, one] as const))(
    '%s, as far as it is seen',
    async (_, { input, expected }) => {
      const timestamps = input.sets!.map((__, i) => NOW / 1000 + i * 10);
      const store = await keep(timestamps, ['host'], input.keepOld! + 1);
      if (input.delete === true) await forget();
      const kept = (await store.read({ after: 0 })).map(({ timestamp }) => timestamp).reverse();
      const values = kept.map((timestamp) => input.sets![timestamps.indexOf(timestamp)]);
      expect(values).toEqual(expected.results![0]);
      expect(KEPT_GENERATIONS).toBe(181);
    },
  );

  // PVE is another system: what its cases have in common with this one's is answered alike.
  it.each(pve.map((one) => [one.id, one] as const))('%s, as far as it is seen', (_, one) =>
    select(one, one.expected),
  );
});
