import type { Role } from '@quipu/access';
import { createLogger, createRedis } from '@quipu/platform';
import { GenerationStore, PointTotalsReader } from '@quipu/read-models';
import { Sampler } from '../../apps/projector/src/sampler/sampler.js';
import { type SentEvent, startTestSystem, type TestSystem } from './support/test-system.js';

const NOW = Date.UTC(2026, 2, 2, 12);

interface Tenant {
  readonly id: string;
  readonly name: string;
  /** Node-seconds of its users. */
  readonly annSeconds: number;
  readonly bobSeconds: number;
  /** Jobs that wait. */
  readonly queued: number;
}

/** Three tenants whose numbers tell at a glance whose they are, and in sum which ones were added. */
const TENANTS: readonly Tenant[] = [
  { id: 'superadmin', name: 'superadmin', annSeconds: 1, bobSeconds: 2, queued: 1 },
  { id: 't-acme', name: 'acme', annSeconds: 10, bobSeconds: 20, queued: 2 },
  { id: 't-beta', name: 'beta', annSeconds: 100, bobSeconds: 200, queued: 4 },
];

const ROLES: readonly Role[] = ['superadmin', 'admin', 'user', 'reporter', 'scraper'];

/** The tenant after this one. */
function otherThan(tenant: string): string {
  return TENANTS[(TENANTS.findIndex(({ id }) => id === tenant) + 1) % TENANTS.length]!.id;
}

interface Caller {
  tenant: Tenant;
  role: Role;
  secret: string;
}

/** The `tenant` parameter of a request: none, or what it names. */
const PARAMETERS = [null, 't-acme', 'acme', 't-beta', 'beta', 'superadmin', 'nobody', ''] as const;

interface Expected {
  status: number;
  body: unknown;
}

const seconds = (tenants: readonly Tenant[]): number =>
  tenants.reduce((sum, { annSeconds, bobSeconds }) => sum + annSeconds + bobSeconds, 0);

/** The rule, as the documentation states it; independent of how the API decides. */
function usageRule({ tenant, role }: Caller, asked: string | null): Expected {
  if (tenant.id !== 'superadmin' && asked !== null) {
    return {
      status: 405,
      body: `Getting information about tenant ${asked} not allowed for tenant ${tenant.id}`,
    };
  }
  const superadmin = role === 'superadmin';
  if (!superadmin && (role !== 'admin' || tenant.id === 'superadmin')) {
    return { status: 403, body: 'Forbidden to get node usage metrics.' };
  }
  const seen = superadmin
    ? TENANTS.filter(({ id, name }) => asked === null || id === asked || name === asked)
    : [tenant];
  return { status: 200, body: seconds(seen) };
}

function queuesRule({ tenant, role }: Caller): Expected {
  const superadmin = role === 'superadmin';
  if (!superadmin && (role !== 'admin' || tenant.id === 'superadmin')) {
    return { status: 403, body: 'Forbidden to get queue metrics.' };
  }
  const seen = superadmin ? TENANTS : [tenant];
  return {
    status: 200,
    body: Object.fromEntries(
      seen.map(({ name, queued }) => [name, { queued, inProgress: 1, total: queued + 1 }]),
    ),
  };
}

describe('who sees what', () => {
  let system: TestSystem;
  const callers: Caller[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    for (const tenant of TENANTS) {
      if (tenant.id !== 'superadmin') await system.tenants.create({ id: tenant.id, name: tenant.name });
      for (const role of ROLES) {
        if (role === 'superadmin' && tenant.id !== 'superadmin') continue;
        callers.push({ tenant, role, secret: await system.principal(tenant.id, role, role) });
      }
    }
    const events = TENANTS.flatMap(({ id: tenant, annSeconds, bobSeconds, queued }): SentEvent[] => [
      ...[
        { user: 'ann', length: annSeconds },
        { user: 'bob', length: bobSeconds },
      ].flatMap(({ user, length }) => {
        const subject = `node/c-${tenant}/${user}`;
        const time = NOW - 86_400_000;
        return [
          { type: 'node.allocated', tenant, subject, time, data: { user, provider: 'p', services: ['s'] } },
          { type: 'node.released', tenant, subject, time: time + length * 1000 },
        ];
      }),
      ...Array.from({ length: queued }, (_, i) => ({
        type: 'job.queued',
        tenant,
        subject: `job/q/${tenant}-${i}`,
        time: NOW - 1000,
        data: { queue: 'q', user: 'ann' },
      })),
      // A worker of each tenant, which holds a job of another one.
      ...['worker.registered', 'worker.connected'].map((type) => ({
        ...{ type, tenant, subject: `worker/w-${tenant}`, time: NOW - 60_000 },
        data: { type: 'external', pool: `p-${tenant}` },
      })),
      {
        ...{ type: 'job.started', tenant, subject: `job/run-${tenant}/1`, time: NOW - 1000 },
        data: { queue: `run-${tenant}`, worker: `w-${otherThan(tenant)}`, workerTenant: otherThan(tenant) },
      },
    ]);
    await system.report(events);
  }, 60_000);
  afterAll(() => system.stop());

  const headers = ({ tenant, role, secret }: Caller): Record<string, string> => ({
    'Coopr-UserID': role,
    'Coopr-TenantID': tenant.name,
    'Coopr-ApiKey': secret,
  });

  async function get(url: string, caller: Caller, more: Record<string, string> = {}) {
    return system.request({ method: 'GET', url, headers: { ...headers(caller), ...more } });
  }

  it('answers each role of each tenant about queues with its own tenant, all tenants, or a refusal', async () => {
    for (const caller of callers) {
      for (const url of ['/v2/metrics/queues', '/v2/metrics/queues?tenant=beta']) {
        const answer = await get(url, caller);
        const expected = queuesRule(caller);
        const body: unknown = answer.statusCode === 200 ? answer.json() : answer.body;
        expect([caller.tenant.name, caller.role, answer.statusCode, body]).toEqual([
          caller.tenant.name,
          caller.role,
          expected.status,
          expected.body,
        ]);
      }
    }
  });

  it('answers each role of each tenant about usage, whatever tenant the parameter names', async () => {
    for (const caller of callers) {
      for (const asked of PARAMETERS) {
        const query = asked === null ? '' : `?tenant=${asked}`;
        const answer = await get(`/v2/metrics/nodes/usage${query}`, caller);
        const expected = usageRule(caller, asked);
        const body: unknown = answer.statusCode === 200 ? answer.json().data[0].value : answer.body;
        expect([caller.tenant.name, caller.role, asked, answer.statusCode, body]).toEqual([
          caller.tenant.name,
          caller.role,
          asked,
          expected.status,
          expected.body,
        ]);
      }
    }
  });

  it('keeps every other filter and grouping inside the scope', async () => {
    const admins = callers.filter(({ role }) => role === 'admin' || role === 'superadmin');
    for (const caller of admins.filter(
      ({ tenant, role }) => role === 'superadmin' || tenant.id !== 'superadmin',
    )) {
      const seen = caller.role === 'superadmin' ? TENANTS : [caller.tenant];
      const value = async (query: string): Promise<number> =>
        (await get(`/v2/metrics/nodes/usage?${query}`, caller))
          .json()
          .data.reduce((sum: number, bucket: { value: number }) => sum + bucket.value, 0);
      expect(await value('user=ann')).toBe(seen.reduce((sum, { annSeconds }) => sum + annSeconds, 0));
      expect(await value('provider=p')).toBe(seconds(seen));
      expect(await value('service=s&groupby=hour')).toBe(seconds(seen));
      expect(await value('cluster=c-t-beta')).toBe(seconds(seen.filter(({ id }) => id === 't-beta')));
      expect(await value('start=0&end=9999999999')).toBe(seconds(seen));
    }
  });

  it('refuses every key that is presented as somebody else, with one body', async () => {
    const bodies = new Set<string>();
    for (const mine of callers) {
      for (const other of callers) {
        if (mine === other) continue;
        const answer = await get('/v2/metrics/queues', { ...other, secret: mine.secret });
        expect(answer.statusCode).toBe(401);
        bodies.add(answer.body);
      }
    }
    const [one] = callers as [Caller, ...Caller[]];
    for (const wrong of [
      { 'Coopr-TenantID': 'nobody' },
      { 'Coopr-UserID': 'nobody' },
      { 'Coopr-ApiKey': 'qk_nothing' },
      { 'Coopr-ApiKey': '' },
      { 'Coopr-UserID': '' },
      { 'Coopr-TenantID': '' },
    ]) {
      const answer = await get('/v2/metrics/queues', one, wrong);
      expect(answer.statusCode).toBe(401);
      bodies.add(answer.body);
    }
    expect(bodies.size).toBe(1);
  });

  it('tells positions to superadmins and tokens to everybody else, and takes both back', async () => {
    for (const caller of callers.filter(({ role }) => role === 'superadmin' || role === 'admin')) {
      const answer = await get('/v2/metrics/queues', caller);
      if (answer.statusCode !== 200) continue;
      expect('quipu-position' in answer.headers).toBe(caller.role === 'superadmin');
      const token = String(answer.headers['quipu-token']);
      expect((await get('/v2/metrics/queues', caller, { 'Quipu-After': token })).statusCode).toBe(200);
      const position = (await get('/v2/metrics/queues', caller, { 'Quipu-After': '1' })).statusCode;
      expect(position).toBe(caller.role === 'superadmin' ? 200 : 400);
    }
  });

  it('lets Gnocchi clients find the metrics of their tenant, and use what they may', async () => {
    const ask = (
      { role, secret }: Caller,
      url: string,
      body?: object,
      method: 'GET' | 'POST' | 'DELETE' = body === undefined ? 'GET' : 'POST',
    ) =>
      system.request({
        method,
        url,
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(`${role}:${secret}`).toString('base64')}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { payload: body }),
      });
    const made: { caller: Caller; id: string }[] = [];
    for (const caller of callers) {
      const answer = await ask(caller, '/v1/metric', { archive_policy_name: 'high' });
      const barred = caller.role === 'reporter' || caller.role === 'scraper';
      expect([caller.tenant.id, caller.role, answer.statusCode]).toEqual([
        caller.tenant.id,
        caller.role,
        barred ? 403 : 201,
      ]);
      if (!barred) made.push({ caller, id: answer.json<{ id: string }>().id });
    }
    for (const { caller } of made) {
      const superadmin = caller.role === 'superadmin';
      const known = made.filter((one) => superadmin || one.caller.tenant === caller.tenant);
      const listed = (await ask(caller, '/v1/metric')).json<{ id: string }[]>().map(({ id }) => id);
      expect(listed.sort()).toEqual(known.map(({ id }) => id).sort());
      for (const { caller: owner, id } of made) {
        const exists = superadmin || owner.tenant === caller.tenant;
        const usable = superadmin || caller.role === 'admin' || owner.role === caller.role;
        const expected = exists ? (usable ? 200 : 403) : 404;
        const urls = [`/v1/metric/${id}`, `/v1/metric/${id}/measures`, `/v1/aggregation/metric?metric=${id}`];
        for (const url of urls) {
          const { statusCode } = await ask(caller, url);
          expect([caller.tenant.id, caller.role, owner, url, statusCode]).toEqual([
            ...[caller.tenant.id, caller.role, owner, url],
            expected,
          ]);
        }
        const batch = await ask(caller, '/v1/batch/metrics/measures', { [id]: [] });
        expect(batch.statusCode).toBe(exists ? (usable ? 202 : 403) : 400);
      }
      for (const [url, body] of [
        [
          '/v1/archive_policy',
          { name: `p-${caller.tenant.id}-${caller.role}`, definition: [{ granularity: 60 }] },
        ],
        ['/v1/status', undefined],
      ] as const) {
        const { statusCode } = await ask(caller, url, body);
        expect([url, caller.role, statusCode]).toEqual([
          ...[url, caller.role],
          superadmin ? (body === undefined ? 200 : 201) : 403,
        ]);
      }
      const other = made.find((one) => one.caller.secret !== caller.secret)!.caller;
      expect((await ask({ ...caller, secret: `${other.secret}x` }, '/v1/metric')).statusCode).toBe(401);
    }
  });

  it('tells collectors everything or the points of their tenant, whatever their role, and of no other', async () => {
    const redis = createRedis(system.redisUrl, 'plain');
    try {
      const sampler = new Sampler({
        ...{ store: new GenerationStore(redis), totals: new PointTotalsReader(redis), clock: system.clock },
        ...{ host: { look: () => Promise.resolve([{ id: 'host', metric: 'n', type: 'gauge', value: 1 }]) } },
        logger: createLogger('test', 'silent'),
      });
      expect(await sampler.tick()).toBe('stored');
      await sampler.stop();
    } finally {
      redis.disconnect();
    }
    for (const { tenant, role, secret } of callers) {
      const all = tenant.id === 'superadmin' && (role === 'superadmin' || role === 'scraper');
      const seen = all ? TENANTS : [tenant];
      const expected = seen.map(({ id, queued, annSeconds, bobSeconds }) => [
        `tenant/${id}`,
        ...[queued, 1, annSeconds + bobSeconds],
      ]);
      const platform = [['host', 1], ...TENANTS.map(({ id }) => [`pool/p-${id}`, 1, 1])];
      const user = `PBSAPIToken=${role}@quipu!${tenant.name}:${secret}`;
      for (const [authorization, url] of [
        [`Bearer ${secret}`, '/api2/json/status/metrics'],
        [user, '/api2/extjs/status/metrics?history=1'],
      ] as const) {
        const answer = await system.request({ method: 'GET', url, headers: { authorization } });
        const points = answer.json().data.data as { id: string; value: number }[];
        const ids = [...new Set(points.map(({ id }) => id))];
        const found = ids.map((id) => [
          id,
          ...points.filter((point) => point.id === id).map(({ value }) => value),
        ]);
        const where = [tenant.name, role, url, answer.statusCode];
        expect([...where, found.sort()]).toEqual([
          ...[tenant.name, role, url, 200],
          [...(all ? platform : []), ...expected].sort(),
        ]);
      }
    }
  });

  it('answers each role of each tenant about its own workers, pools and queues, and names nobody else’s', async () => {
    for (const { tenant, role, secret } of callers) {
      const superadmin = role === 'superadmin';
      const seen = superadmin ? TENANTS : [tenant];
      const other = otherThan(tenant.id);
      for (const [url, member, prefix] of [
        ['/api/workers', 'worker', 'w-'],
        ['/api/pools', 'pool', 'p-'],
        ['/api/queues', 'queue', 'run-'],
      ] as const) {
        const answer = await system.request({
          ...{ method: 'GET', url, headers: { authorization: `Bearer ${secret}` } },
        });
        const allowed = superadmin || role === 'admin';
        expect([tenant.name, role, url, answer.statusCode]).toEqual([
          ...[tenant.name, role, url, allowed ? 200 : 403],
        ]);
        if (!allowed) continue;
        const names = answer.json().data.map((row: Record<string, string>) => row[member]);
        expect(names.filter((name: string) => name !== 'q')).toEqual(seen.map(({ id }) => `${prefix}${id}`));
        // Whoever runs a job here, or lets one run there, is not told.
        for (const { id } of superadmin ? [] : TENANTS.filter((one) => one.id !== tenant.id)) {
          expect(answer.body).not.toContain(id);
        }
      }
      for (const id of superadmin || role === 'admin' ? [tenant.id, other, 'nobody'] : []) {
        const answer = await system.request({
          ...{ method: 'GET', url: `/api/workers/w-${id}`, headers: { authorization: `Bearer ${secret}` } },
        });
        // A superadmin who does not say whose means the platform's.
        expect([tenant.name, role, id, answer.statusCode]).toEqual([
          ...[tenant.name, role, id, id === tenant.id ? 200 : 404],
        ]);
      }
    }
  });

  it('shows the page to admins only, and of their tenant only', async () => {
    for (const caller of callers) {
      const basic = Buffer.from(`${caller.tenant.name}/${caller.role}:${caller.secret}`).toString('base64');
      const answer = await system.request({
        method: 'GET',
        url: '/',
        headers: { authorization: `Basic ${basic}` },
      });
      const superadmin = caller.role === 'superadmin';
      const admin = caller.role === 'admin';
      expect([caller.tenant.name, caller.role, answer.statusCode]).toEqual([
        caller.tenant.name,
        caller.role,
        superadmin || admin ? 200 : 403,
      ]);
      for (const { name } of TENANTS.filter((tenant) => tenant.id !== caller.tenant.id)) {
        expect(answer.body.includes(`>${name}<`)).toBe(superadmin);
      }
    }
    expect((await system.request({ method: 'GET', url: '/' })).statusCode).toBe(401);
  });
});
