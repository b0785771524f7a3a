import type { Role } from '@quipu/access';
import { DAY, nodeOf, NOW, waitingJob } from './support/small-events.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** Seconds of nodes that each user held on the day before, from noon on. */
const HELD: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  superadmin: { ann: 1, bob: 2 },
  't-acme': { ann: 10, bob: 20 },
  't-beta': { ann: 100, bob: 200 },
};
const NAMES: Readonly<Record<string, string>> = {
  superadmin: 'superadmin',
  't-acme': 'acme',
  't-beta': 'beta',
};
const ROLES: readonly Role[] = ['superadmin', 'admin', 'user', 'reporter', 'scraper'];

interface Caller {
  readonly tenant: string;
  readonly role: Role;
  readonly secret: string;
}

interface Row {
  tenant?: string;
  user?: string;
  start: string;
  value: string;
}

describe('usage and queues over HTTP', () => {
  let system: TestSystem;
  const callers: Caller[] = [];

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    for (const [tenant, users] of Object.entries(HELD)) {
      if (tenant !== 'superadmin') await system.tenants.create({ id: tenant, name: NAMES[tenant]! });
      for (const role of ROLES) {
        if (role === 'superadmin' && tenant !== 'superadmin') continue;
        // A `user` sees what events say of a user of its name.
        const name = role === 'user' ? 'ann' : role;
        callers.push({ tenant, role, secret: await system.principal(tenant, name, role) });
      }
      await system.report([
        ...Object.entries(users).flatMap(([user, seconds]) => nodeOf(tenant, user, seconds)),
        ...Array.from({ length: users['ann']! }, (_, i) => waitingJob(tenant, `q${i % 3}`, String(i))),
      ]);
    }
    await system.report([
      ...nodeOf('t-acme', '=cmd|calc', 3, 'c,1"x"'),
      { ...waitingJob('t-acme', '+sum', 'odd'), time: NOW - 5000 },
    ]);
  }, 60_000);
  afterAll(() => system.stop());

  const of = (tenant: string, role: Role): Caller =>
    callers.find((caller) => caller.tenant === tenant && caller.role === role)!;

  function get(url: string, caller: Caller | null, headers: Record<string, string> = {}) {
    const authorization = caller === null ? {} : { authorization: `Bearer ${caller.secret}` };
    return system.request({ method: 'GET', url, headers: { ...authorization, ...headers } });
  }

  async function walk(url: string, caller: Caller, between?: () => Promise<void>): Promise<Row[]> {
    const rows: Row[] = [];
    let next: string | null = url;
    for (let pages = 0; next !== null && pages < 100; pages += 1) {
      const answer = await get(next, caller);
      expect(answer.statusCode).toBe(200);
      const body: { data: Row[]; next: string | null } = answer.json();
      rows.push(...body.data);
      const link = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1] ?? null;
      expect(link !== null).toBe(body.next !== null);
      next = link;
      await between?.();
    }
    return rows;
  }

  const total = async (url: string, caller: Caller): Promise<string> => (await get(url, caller)).json().total;

  /** What the rule says a caller sees of the tenants' seconds; null: refused. */
  function seen({ tenant, role }: Caller): number | null {
    const sum = (id: string): number =>
      Object.values(HELD[id]!).reduce((a, b) => a + b, id === 't-acme' ? 3 : 0);
    if (role === 'superadmin') return Object.keys(HELD).reduce((all, id) => all + sum(id), 0);
    if (role === 'admin') return sum(tenant);
    return role === 'user' ? HELD[tenant]!['ann']! : null;
  }

  describe('who sees what', () => {
    it('answers each role of each tenant with its own usage, everybody’s, or a refusal', async () => {
      for (const caller of callers) {
        const answer = await get('/api/usage', caller);
        const expected = seen(caller);
        expect([caller.tenant, caller.role, answer.statusCode]).toEqual([
          caller.tenant,
          caller.role,
          expected === null ? 403 : 200,
        ]);
        if (expected !== null) expect(answer.json().total).toBe(String(expected));
      }
    });

    it('takes tenants by id and by name; foreign and unknown ones are the same 404', async () => {
      for (const caller of callers.filter((one) => seen(one) !== null)) {
        for (const [id, name] of Object.entries(NAMES)) {
          for (const text of [id, name]) {
            const answer = await get(`/api/usage?tenant=${text}`, caller);
            const own = caller.role === 'superadmin' || caller.tenant === id;
            expect([caller.tenant, caller.role, text, answer.statusCode]).toEqual([
              caller.tenant,
              caller.role,
              text,
              own ? 200 : 404,
            ]);
            if (!own) {
              const unknown = await get(`/api/usage?tenant=nobody`, caller);
              expect(answer.body.replaceAll(text, 'nobody')).toBe(unknown.body);
            }
          }
        }
      }
    });

    it('shows a user its own usage only, whatever is asked', async () => {
      const ann = of('t-acme', 'user');
      expect(await total('/api/usage?user=ann', ann)).toBe('10');
      expect(await total('/api/usage?by=user,tenant&cluster=c-t-acme', ann)).toBe('10');
      const bob = await get('/api/usage?user=bob', ann);
      const nobody = await get('/api/usage?user=nob', ann);
      expect([bob.statusCode, bob.body.replaceAll('bob', 'nob')]).toEqual([404, nobody.body]);
    });

    it('shows queues to admins of the tenant and to superadmins', async () => {
      for (const caller of callers) {
        const answer = await get('/api/queues?limit=1000', caller);
        const admin = caller.role === 'admin' || caller.role === 'superadmin';
        expect([caller.tenant, caller.role, answer.statusCode]).toEqual([
          caller.tenant,
          caller.role,
          admin ? 200 : 403,
        ]);
        if (!admin) continue;
        const tenants = new Set(answer.json().data.map((row: Row) => row.tenant));
        expect([...tenants]).toEqual(
          caller.role === 'superadmin' ? ['superadmin', 't-acme', 't-beta'] : [caller.tenant],
        );
        const foreign = caller.tenant === 't-beta' ? 't-acme' : 't-beta';
        const other = await get(`/api/queues?tenant=${foreign}`, caller);
        expect(other.statusCode).toBe(caller.role === 'superadmin' ? 200 : 404);
      }
    });

    it('asks for a key, and tells nothing to a wrong one', async () => {
      for (const url of ['/api/usage', '/api/queues?colour=red']) {
        expect((await get(url, null)).statusCode).toBe(401);
        const wrong = await get(url, null, { authorization: 'Bearer qk_nothing' });
        expect([wrong.statusCode, wrong.json().status]).toEqual([401, 401]);
        expect(wrong.headers['www-authenticate']).toContain('Bearer');
      }
    });
  });

  describe('numbers', () => {
    const acme = () => of('t-acme', 'admin');

    it('are exact decimal strings of seconds, grouped and bucketed', async () => {
      const answer = await get(
        '/api/usage?by=user&bucket=hour&start=2026-03-01T12:00Z&end=2026-03-01T14:00Z',
        acme(),
      );
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.json()).toEqual({
        level: 'nodes',
        unit: 'node-seconds',
        start: '2026-03-01T12:00:00.000Z',
        end: '2026-03-01T14:00:00.000Z',
        asOf: new Date(NOW).toISOString(),
        by: ['user'],
        bucket: 'hour',
        ...{ total: '33', estimated: false, estimatedTotal: '0' },
        data: ['=cmd|calc', 'ann', 'bob'].map((user, i) => ({
          start: '2026-03-01T12:00:00.000Z',
          end: '2026-03-01T13:00:00.000Z',
          user,
          ...{ value: ['3', '10', '20'][i], estimated: false, estimatedValue: '0' },
        })),
        next: null,
      });
      expect(answer.headers['quipu-as-of']).toBe(new Date(NOW).toISOString());
      expect(answer.headers['quipu-token']).toEqual(expect.any(String));
      expect(answer.headers['quipu-position']).toBeUndefined();
    });

    it('count every level, relative windows, and cut nothing', async () => {
      expect(await total('/api/usage?level=waiting&queue=%2Bsum', acme())).toBe('5');
      expect(await total('/api/usage?start=2026-03-01T12:00:00.250Z&user=ann', acme())).toBe('9.75');
      expect(await total('/api/usage?start=-2d', acme())).toBe('33');
      expect(await total('/api/usage?start=-1h', acme())).toBe('0');
    });

    it('of queues are counted apart, with the age of the oldest', async () => {
      const answer = await get('/api/queues?queue=%2Bsum', acme());
      expect(answer.json()).toEqual({
        asOf: new Date(NOW).toISOString(),
        data: [
          {
            ...{ tenant: 't-acme', queue: '+sum', queued: 1, delayed: 0, blocked: 0, inProgress: 0 },
            oldestWaitingMs: 5000,
            ...{ arrivals1: 1, arrivals5: 0.2, arrivals15: 0.07 },
            ...{ departures1: 0, departures5: 0, departures15: 0 },
            ...{ completions1: 0, completions5: 0, completions15: 0 },
            ...{ meanWaitMs: null, p95WaitMs: null, meanRunMs: null, p95RunMs: null },
            ...{ workers: 0, estimated: false, verdict: 'steady: 0.2 in, 0 out per minute' },
          },
        ],
        next: null,
      });
    });

    it('are empty, not an error, where nothing matches', async () => {
      expect((await get('/api/usage?by=user&user=nobody', acme())).json()).toMatchObject({
        total: '0',
        data: [],
      });
      expect((await get('/api/queues?queue=', acme())).json()).toMatchObject({ data: [], next: null });
    });
  });

  describe('CSV', () => {
    it('has a header row and quotes names, and no name becomes a formula', async () => {
      const answer = await get('/api/usage?by=user,cluster&service=odd&format=csv', of('t-acme', 'admin'));
      expect(answer.headers['content-type']).toContain('text/csv');
      expect(answer.body).toBe(
        `start,end,user,cluster,value,estimated,estimatedValue\r\n${new Date(NOW - DAY).toISOString()},${new Date(NOW).toISOString()},` +
          `'=cmd|calc,"c,1""x""",3,false,0\r\n`,
      );
    });

    it('is chosen by Accept, unless JSON is preferred or the parameter says otherwise', async () => {
      const type = async (accept: string, query = ''): Promise<string> =>
        String((await get(`/api/queues${query}`, of('t-acme', 'admin'), { accept })).headers['content-type']);
      expect(await type('text/csv')).toContain('text/csv');
      expect(await type('text/csv, */*;q=0.5')).toContain('text/csv');
      expect(await type('text/csv;q=0.1, application/json')).toContain('application/json');
      expect(await type('*/*')).toContain('application/json');
      expect(await type('text/csv', '?format=json')).toContain('application/json');
      expect((await get('/api/queues?format=csv', of('t-acme', 'admin'))).body).toContain(
        "\r\nt-acme,'+sum,1,0,0,0,5000,",
      );
    });
  });

  describe('pages', () => {
    it('join to the whole list, once each row', async () => {
      const admin = of('superadmin', 'superadmin');
      for (const url of [
        '/api/usage?by=tenant,user&bucket=quarter&start=-25h',
        '/api/usage?bucket=hour&start=-25h',
        '/api/queues?',
      ]) {
        const whole = (await get(`${url}&limit=1000`, admin)).json().data;
        expect(whole.length).toBeGreaterThan(6);
        expect(await walk(`${url}&limit=2`, admin)).toEqual(whole);
      }
    });

    it('stay in one window while time goes on and events arrive', async () => {
      const admin = of('t-beta', 'admin');
      const before = (await get('/api/usage?by=queue&level=waiting&bucket=hour', admin)).json().data;
      let n = 0;
      const rows = await walk('/api/usage?by=queue&level=waiting&bucket=hour&limit=1', admin, async () => {
        system.clock.advance(3_600_000);
        await system.report([waitingJob('t-beta', 'q-new', `new-${n++}`, system.clock.now())]);
      });
      system.clock.set(NOW);
      expect(rows).toEqual(before);
    });

    it('refuse a cursor of another question, of another caller, or made up', async () => {
      const admin = of('t-acme', 'admin');
      const { next } = (await get('/api/usage?by=user&limit=1', admin)).json();
      expect((await get(`/api/usage?by=user&limit=1&cursor=${next}`, admin)).statusCode).toBe(200);
      for (const [url, caller] of [
        [`/api/usage?by=user&level=running&cursor=${next}`, admin],
        [`/api/usage?by=user&start=-1d&cursor=${next}`, admin],
        [`/api/usage?by=user&limit=1&cursor=${next}`, of('t-beta', 'admin')],
        [`/api/queues?cursor=${next}`, admin],
        ['/api/usage?cursor=%00', admin],
        ['/api/usage?cursor=', admin],
        [`/api/usage?cursor=${Buffer.from('[1,[2],{}]').toString('base64url')}`, admin],
        [`/api/usage?cursor=${'A'.repeat(14_000)}`, admin],
      ] as const) {
        const answer = await get(url, caller);
        expect([url, answer.statusCode]).toEqual([url, 400]);
        expect(answer.json().errors[0].parameter).toBe('cursor');
      }
    });
  });

  describe('parameters', () => {
    it('that are wrong are told all at once, with the ones there are', async () => {
      const url =
        '/api/usage?level=cpu&by=colour&start=tomorrow&limit=0&colour=red&bucket=day&bucket=hour&user=%00';
      const answer = await get(url, of('t-acme', 'admin'));
      expect(answer.statusCode).toBe(400);
      expect(answer.headers['content-type']).toContain('application/problem+json');
      const problem = answer.json();
      expect(problem.errors.map(({ parameter }: { parameter: string }) => parameter).sort()).toEqual(
        ['bucket', 'by', 'colour', 'level', 'limit', 'start', 'user'].sort(),
      );
      for (const part of ['colour is unknown.', 'level is "cpu"; it is one of nodes, waiting, running.'])
        expect(problem.detail).toContain(part);
      expect(problem.hint).toContain('level, by, start, end, bucket, asOf, tenant');
    });

    it.each([
      'limit=1001',
      'limit=-1',
      'limit=1e3',
      'limit=99999999999999999999',
      'start=-99999999999w',
      'start=99999999999999999999999',
      'end=2026-02-30',
      'start=2026-03-02&end=2026-03-01',
      'bucket=quarter&start=1970-01-01',
      'by=',
      'by=service',
      'format=xml',
      'tenant=%00',
      'user=%F0%9F',
      'user[]=a',
      '__proto__=1',
      'constructor=1',
      'asof=now',
      'asOf=%00',
      'asOf=yesterday',
      'asOf=@1',
    ])('are refused, never a failure: %s', async (query) => {
      const answer = await get(`/api/usage?${query}`, of('t-acme', 'admin'));
      // Percent-encoding that is no UTF-8 reads as the text it is: a user nobody has.
      expect(answer.statusCode).toBe(query.includes('%F0') ? 200 : 400);
      expect(answer.body).not.toMatch(/\.ts|node_modules|select /i);
    });

    it('may be long and strange', async () => {
      const odd = encodeURIComponent(`%'";--\u202e\u{1f600}${'x'.repeat(2000)}`);
      const answer = await get(`/api/usage?user=${odd}&queue=${odd}`, of('superadmin', 'superadmin'));
      expect([answer.statusCode, answer.json().total]).toEqual([200, '0']);
      expect((await get(`/api/usage?${'a'.repeat(3000)}=1`, of('t-acme', 'admin'))).body.length).toBeLessThan(
        1000,
      );
    });
  });

  describe('as of then', () => {
    it('numbers are what they were, whatever came in since, on every page', async () => {
      const admin = of('t-beta', 'admin');
      const urls = ['/api/usage?by=user&end=2026-03-02&limit=1', '/api/queues?limit=1'];
      const then = String((await get('/api/usage', admin)).headers['quipu-token']);
      const before = await Promise.all(urls.map((url) => walk(`${url}&asOf=${then}`, admin)));
      expect(before[0]).toEqual(await walk(urls[0]!, admin));
      await system.report([
        ...nodeOf('t-beta', 'carl', 7),
        { ...waitingJob('t-beta', 'q-late', 'late'), time: NOW - DAY },
      ]);
      expect((await walk(urls[0]!, admin)).length).toBe(before[0]!.length + 1);
      expect(await Promise.all(urls.map((url) => walk(`${url}&asOf=${then}`, admin)))).toEqual(before);
      const again = await get(`/api/usage?asOf=${then}`, admin);
      expect(again.headers['quipu-token']).toBe(then);
    });

    it('a time before anything was recorded knows nothing', async () => {
      const admin = of('t-acme', 'admin');
      expect((await get('/api/queues?asOf=2000-01-01', admin)).json().data).toEqual([]);
      const nothing = { start: null, total: '0', data: [] };
      expect((await get('/api/usage?asOf=2000-01-01', admin)).json()).toMatchObject(nothing);
      expect((await get('/api/usage?end=2000-01-01', admin)).json()).toMatchObject(nothing);
    });
  });

  it('reads your writes, and refuses tokens that are none', async () => {
    const admin = of('t-acme', 'admin');
    const token = String((await get('/api/usage', admin)).headers['quipu-token']);
    expect((await get('/api/queues', admin, { 'quipu-after': token })).statusCode).toBe(200);
    expect((await get('/api/queues', admin, { 'quipu-after': '1' })).statusCode).toBe(400);
    expect((await get('/api/usage', of('superadmin', 'superadmin'), { 'quipu-after': '1' })).statusCode).toBe(
      200,
    );
  });
});
