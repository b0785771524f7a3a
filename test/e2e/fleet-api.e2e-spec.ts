import type { Role } from '@quipu/access';
import { ago, FLEET_WORLD } from './support/fleet-world.js';
import { NOW } from './support/small-events.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const iso = (ms: number): string => new Date(ms).toISOString();

interface Row {
  tenant: string;
  [name: string]: unknown;
}

describe('the fleet over HTTP', () => {
  let system: TestSystem;
  const keys = new Map<string, string>();

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    for (const tenant of ['t-acme', 't-beta'])
      await system.tenants.create({ id: tenant, name: tenant.slice(2) });
    for (const [tenant, role] of [
      ['superadmin', 'superadmin'],
      ['t-acme', 'admin'],
      ['t-beta', 'admin'],
      ['t-acme', 'user'],
      ['t-acme', 'reporter'],
      ['t-acme', 'scraper'],
    ] as [string, Role][]) {
      keys.set(`${tenant}/${role}`, await system.principal(tenant, role, role));
    }
    await system.report(FLEET_WORLD);
  }, 60_000);
  afterAll(() => system.stop());

  const ROOT = 'superadmin/superadmin';
  const ACME = 't-acme/admin';
  const BETA = 't-beta/admin';

  const get = (url: string, who: string) =>
    system.request({ method: 'GET', url, headers: { authorization: `Bearer ${keys.get(who)}` } });
  const rows = async (url: string, who: string): Promise<Row[]> => {
    const answer = await get(url, who);
    expect([url, who, answer.statusCode]).toEqual([url, who, 200]);
    return answer.json().data;
  };
  const job = (tenant: string, id: string, queue: string, minutes: number) => ({
    ...{ tenant, job: `${queue}/${id}@1`, queue, user: 'ann', attempt: 1, status: 'running' },
    since: iso(ago(minutes)),
  });

  describe('workers', () => {
    it('tell what they do, since when, and the jobs that hold them', async () => {
      const all = await rows('/api/workers', ROOT);
      expect(all.map(({ worker, state, since, held }) => [worker, state, since, held])).toEqual([
        ['a1', 'busy', iso(ago(4)), 1],
        ['a2', 'lost', iso(ago(30)), 0],
        ['s1', 'busy', iso(ago(9)), 2],
        ['s2', 'offline', iso(ago(30)), 0],
      ]);
      expect(all[2]).toEqual({
        ...{ tenant: 'superadmin', worker: 's1', type: 'external', pool: 'farm', host: 'h1', slots: 2 },
        ...{ state: 'busy', since: iso(ago(9)), held: 2, otherJobs: 0, lastHeartbeat: iso(NOW - 10_000) },
        ...{ enabled: true, estimated: false },
        jobs: [job('t-acme', 'j1', 'builds', 9), job('t-beta', 'b1', 'tests', 4)],
      });
      expect(all.map(({ estimated }) => estimated)).toEqual([false, true, false, false]);
    });

    it('are those of the caller’s tenant, and jobs of other tenants are a count, not a name', async () => {
      const answer = await get('/api/workers', ACME);
      const own: Row[] = answer.json().data;
      expect(own.map(({ worker }) => worker)).toEqual(['a1', 'a2']);
      expect(own[0]).toMatchObject({ state: 'busy', since: null, held: 1, otherJobs: 1, jobs: [] });
      expect(answer.body).not.toMatch(/beta|superadmin|b2/);
      expect(await rows('/api/workers', BETA)).toEqual([]);
      for (const tenant of ['superadmin', 'beta', 'nobody']) {
        expect((await get(`/api/workers?tenant=${tenant}`, ACME)).statusCode).toBe(404);
      }
    });

    it('are filtered and sorted', async () => {
      const names = async (query: string): Promise<unknown[]> =>
        (await rows(`/api/workers?${query}`, ROOT)).map(({ worker }) => worker);
      expect(await names('state=lost')).toEqual(['a2']);
      expect(await names('pool=farm')).toEqual(['s1', 's2']);
      expect(await names('type=celery')).toEqual([]);
      expect(await names('tenant=acme&state=busy')).toEqual(['a1']);
      expect(await names('sort=-worker')).toEqual(['s2', 's1', 'a2', 'a1']);
      // Equal instants are told apart by tenant and name.
      expect(await names('sort=since')).toEqual(['s2', 'a2', 's1', 'a1']);
      expect(await names('sort=-lastHeartbeat')).toEqual(['a1', 's1', 'a2', 's2']);
      const refused = await get('/api/workers?state=asleep&sort=colour', ROOT);
      expect(refused.statusCode).toBe(400);
      expect(refused.json().errors).toHaveLength(2);
    });

    it('come in pages that join to the whole list, in any order', async () => {
      for (const sort of ['worker', '-since', 'pool', '-state']) {
        const whole = await rows(`/api/workers?sort=${sort}`, ROOT);
        const joined: Row[] = [];
        let next: string | null = null;
        do {
          const answer: { data: Row[]; next: string | null } = (
            await get(`/api/workers?sort=${sort}&limit=1${next === null ? '' : `&cursor=${next}`}`, ROOT)
          ).json();
          joined.push(...answer.data);
          next = answer.next;
        } while (next !== null && joined.length < 10);
        expect(joined).toEqual(whole);
      }
    });

    it('have a timeline, and one that the caller may not see does not exist', async () => {
      expect((await get('/api/workers/a2', ACME)).json()).toMatchObject({
        ...{ tenant: 't-acme', worker: 'a2', state: 'lost', registered: iso(ago(60)), retired: null },
        timeline: [
          { state: 'connected', start: iso(ago(60)), end: iso(ago(30)), estimated: false },
          { state: 'lost', start: iso(ago(30)), end: null, estimated: true },
        ],
      });
      const foreign = await get('/api/workers/s1', ACME);
      const none = await get('/api/workers/nobody', ACME);
      expect([foreign.statusCode, foreign.body]).toEqual([404, none.body]);
      expect((await get('/api/workers/s1', ROOT)).json()).toMatchObject({ tenant: 'superadmin', held: 2 });
      expect((await get('/api/workers/a1?tenant=acme', ROOT)).json().jobs).toHaveLength(1);
    });

    it('are written as CSV', async () => {
      const answer = await get('/api/workers?format=csv&pool=own', ACME);
      expect(answer.body.split('\r\n').slice(0, 2)).toEqual([
        'tenant,worker,type,pool,host,slots,state,since,held,otherJobs,lastHeartbeat,enabled,estimated',
        `t-acme,a1,external,own,h3,1,busy,,1,1,${iso(NOW - 5_000)},true,false`,
      ]);
    });
  });

  describe('pools', () => {
    it('tell workers by state, and slot-seconds that add up to registered time exactly', async () => {
      const [own, farm] = await rows('/api/pools', ROOT).then((all) => [all[1], all[0]]);
      expect(farm).toEqual({
        ...{ tenant: 'superadmin', pool: 'farm', workers: 2, busy: 1, idle: 0, offline: 1, lost: 0 },
        ...{ instances: 0, slots: 3, connectedSlots: 2, heldSlots: 2, ratioNow: 1, ratio: 0.0866 },
        ...{ busySeconds: '780', idleSeconds: '8220', offlineSeconds: '1800', registeredSeconds: '10800' },
        ...{ estimated: false, estimatedSeconds: '0' },
      });
      expect(own).toMatchObject({
        ...{ tenant: 't-acme', pool: 'own', workers: 2, busy: 1, lost: 1, slots: 2 },
        // a1: jobs of 60 s and 240 s; a2: the job that was given up, 600 s.
        ...{ busySeconds: '900', idleSeconds: '4500', offlineSeconds: '1800', registeredSeconds: '7200' },
        ...{ estimated: true, estimatedSeconds: '1800' },
      });
    });

    it('are told over any window, of the caller’s tenant alone', async () => {
      const [own, ...others] = await rows('/api/pools?start=-10m', ACME);
      expect(others).toEqual([]);
      expect(own).toMatchObject({ busySeconds: '300', offlineSeconds: '600', registeredSeconds: '1200' });
      const before = await rows('/api/pools?start=-3h&end=-2h', ROOT);
      expect(before.map(({ registeredSeconds }) => registeredSeconds)).toEqual(['0', '0']);
      expect((await get('/api/pools?start=now&end=-1h', ROOT)).statusCode).toBe(400);
    });
  });

  describe('queues', () => {
    const queue = async (who: string, name: string): Promise<Row> =>
      (await rows(`/api/queues?queue=${name}`, who))[0]!;

    it('tell rates, waits, runs, who is able to serve them, and a verdict', async () => {
      expect(await queue(ACME, 'builds')).toEqual({
        ...{ tenant: 't-acme', queue: 'builds', queued: 1, delayed: 0, blocked: 0, inProgress: 1 },
        oldestWaitingMs: 15_000,
        ...{ arrivals1: 1, arrivals5: 0.2, arrivals15: 0.2 },
        ...{ departures1: 0, departures5: 0, departures15: 0.13 },
        ...{ completions1: 0, completions5: 0, completions15: 0.07 },
        ...{ meanWaitMs: 60_000, p95WaitMs: 60_000, meanRunMs: 60_000, p95RunMs: 60_000 },
        // s1 holds a job of it, s2 of its pool has left; a1 took one, a2 of its pool is lost.
        ...{ workers: 2, estimated: false, verdict: 'steady: 0.2 in, 0 out per minute' },
      });
    });

    it('count what waited for no time, and say when nothing serves a queue', async () => {
      expect(await queue(BETA, 'tests')).toMatchObject({
        ...{ queued: 0, inProgress: 2, arrivals15: 0.13, departures15: 0.13, workers: 2 },
        ...{ meanWaitMs: 30_000, p95WaitMs: 60_000, meanRunMs: null },
      });
      expect(await queue(ACME, 'dead')).toMatchObject({
        workers: 0,
        verdict: 'nothing serves this queue',
      });
    });

    it('hold no other tenant’s, and only depth in the past', async () => {
      // How much was looked at would tell an admin what the whole platform does.
      expect((await get('/api/queues', BETA)).body).not.toMatch(/acme|builds|superadmin|sampled|reachMs/);
      expect((await get('/api/queues', ROOT)).json()).toMatchObject({ sampled: 1, reachMs: 900_000 });
      const token = String((await get('/api/queues', ACME)).headers['quipu-token']);
      const then = (await get(`/api/queues?asOf=${token}&queue=builds`, ACME)).json();
      expect(then.sampled).toBeUndefined();
      expect(then.data[0]).toMatchObject({ queued: 1, arrivals1: null, verdict: null, workers: null });
    });
  });

  it('tells the estimated part of usage, in every form', async () => {
    const usage = (await get('/api/usage?by=queue', ACME)).json();
    expect(usage).toMatchObject({ total: '1800', estimated: true, estimatedTotal: '1800' });
    expect(usage.data).toEqual([
      expect.objectContaining({ queue: 'nightly', value: '1800', estimated: true, estimatedValue: '1800' }),
    ]);
    const running = (await get('/api/usage?level=running&by=queue&bucket=hour&start=-1h', ROOT)).json();
    expect(running).toMatchObject({ estimated: true, estimatedTotal: '600' });
    expect(running.data.filter((row: Row) => row['estimated'])).toHaveLength(1);
    expect((await get('/api/usage?level=waiting', ROOT)).json()).toMatchObject({
      ...{ estimated: false, estimatedTotal: '0' },
    });
    const csv = (await get('/api/usage?by=queue&format=csv', ACME)).body;
    expect(csv).toMatch(/,nightly,1800,true,1800\r\n$/);
    const coopr = async (tenant: string, user: string, who: string): Promise<unknown> =>
      (
        await system.request({
          ...{ method: 'GET', url: '/v2/metrics/nodes/usage' },
          headers: { 'coopr-userid': user, 'coopr-tenantid': tenant, 'coopr-apikey': keys.get(who)! },
        })
      ).headers['quipu-estimated'];
    expect(await coopr('acme', 'admin', ACME)).toBe('true');
    expect(await coopr('beta', 'admin', BETA)).toBeUndefined();
    const why = (await get('/api/why?measure=node_seconds', ACME)).json();
    expect(why).toMatchObject({ total: '1800', estimated: true, estimatedTotal: '1800' });
    expect(why.data[0]).toMatchObject({ estimated: true });
    const { intervals, status, estimated } = (await get('/api/jobs/nightly%2Fn1%401', ACME)).json();
    expect([status, estimated]).toEqual(['aborted', true]);
    expect(intervals.at(-1)).toMatchObject({ level: 'running', estimated: true });
  });

  it('answers admins and superadmins alone', async () => {
    for (const url of ['/api/workers', '/api/workers/a1', '/api/pools', '/api/queues']) {
      for (const role of ['user', 'reporter', 'scraper']) {
        expect([url, role, (await get(url, `t-acme/${role}`)).statusCode]).toEqual([url, role, 403]);
      }
      expect((await system.request({ method: 'GET', url })).statusCode).toBe(401);
    }
  });
});
