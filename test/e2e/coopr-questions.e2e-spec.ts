import type { Role } from '@quipu/access';
import type { InjectOptions } from 'light-my-request';
import { type CooprQuestion, expectedUsage } from './support/coopr-oracle.js';
import { COOPR_NOW as NOW, cooprEvents, HOLDINGS, TENANTS } from './support/coopr-world.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const CALLERS = {
  root: ['superadmin', 'superadmin', 'admin', 'superadmin'],
  rootAdmin: ['superadmin', 'superadmin', 'paul', 'admin'],
  rootUser: ['superadmin', 'superadmin', 'eve', 'user'],
  acme: ['t-acme', 'acme', 'ann', 'admin'],
  user: ['t-acme', 'acme', 'bob', 'user'],
  reporter: ['t-acme', 'acme', 'rep', 'reporter'],
  scraper: ['t-acme', 'acme', 'scr', 'scraper'],
  gamma: ['t-gamma', 'gamma', 'admin', 'admin'],
  empty: ['t-empty', 'Zürich & Söhne', 'Jürgen', 'admin'],
} as const satisfies Record<string, readonly [string, string, string, Role]>;
type CallerName = keyof typeof CALLERS;

const USAGE = '/v2/metrics/nodes/usage';
const QUEUES = '/v2/metrics/queues';
const REFUSED = 'Coopr-UserID, Coopr-ApiKey and Coopr-TenantID do not belong together.';
const NO_USER = 'Coopr-UserID not found in request headers.';
const NO_TENANT = 'Coopr-TenantID not found in request headers.';

describe('questions to the Coopr dialect', () => {
  let system: TestSystem;
  const headers = new Map<CallerName, Record<string, string>>();

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    for (const tenant of TENANTS) await system.tenants.create(tenant);
    for (const [name, [id, tenant, user, role]] of Object.entries(CALLERS)) {
      headers.set(name as CallerName, {
        'Coopr-UserID': Buffer.from(user).toString('latin1'),
        'Coopr-TenantID': Buffer.from(tenant).toString('latin1'),
        'Coopr-ApiKey': await system.principal(id, user, role),
      });
    }
    await system.report(cooprEvents());
  }, 60_000);
  afterAll(() => system.stop());

  const usageUrl = (question: CooprQuestion): string =>
    `${USAGE}?${new URLSearchParams(question).toString()}`;
  const send = (caller: CallerName, url: string, method: InjectOptions['method'] = 'GET') =>
    system.request({ method: method ?? 'GET', url, headers: headers.get(caller)! });

  const FILTERS: readonly CooprQuestion[] = [
    {},
    { user: 'ann' },
    { user: 'bob', cluster: 'c2' },
    { cluster: 'c1' },
    { clustertemplate: 'web', user: 'ann' },
    { provider: 'aws', hardwaretype: 'small', imagetype: 'deb', service: 'web', cluster: 'c1' },
    { hardwaretype: 'big' },
    { imagetype: 'deb', service: 'ssh' },
    { service: 'ssh', user: 'bob' },
    { queue: 'q1' },
    { queue: 'q1', user: 'bob' },
    { user: 'ANN' },
  ];
  const seconds = (iso: string): string => String(Date.parse(iso) / 1000);
  const WINDOWS: readonly CooprQuestion[] = [
    {},
    { start: seconds('2025-12-31T22:15:30Z'), end: seconds('2026-03-01T00:00:01Z') },
    { start: seconds('2026-02-28T23:59:59Z') },
    { start: seconds('2026-03-02T10:30:00Z'), end: seconds('2026-03-02T20:00:00Z') },
    { start: '-7200', end: '7200' },
    { end: '-3600' },
    { end: seconds('2026-02-16T00:00:00Z') },
    { start: seconds('2026-03-02T12:00:00Z') },
    { start: seconds('2026-03-03T00:00:00Z') },
    { start: '5000', end: '5000' },
    { start: seconds('2026-03-02T00:00:00Z'), end: '0' },
  ];
  const UNITS = [
    'seconds',
    'NanoSeconds',
    'microseconds',
    'MILLISECONDS',
    'minutes',
    'Hours',
    'days',
    undefined,
  ];
  const GROUPS = [undefined, 'hour', 'day', 'week', 'month', 'year'];

  /** Every grouping with every window; filters and units take turns. Hours of half a century are too many. */
  const MATRIX = GROUPS.flatMap((groupby, g) =>
    WINDOWS.flatMap((window, w) =>
      [0, 1, 2].map((n): CooprQuestion => {
        const filters = FILTERS[(5 * g + w + 4 * n) % FILTERS.length]!;
        const timeunit = UNITS[(g + 3 * w + n) % UNITS.length];
        return { ...filters, ...window, ...(groupby && { groupby }), ...(timeunit && { timeunit }) };
      }),
    ),
  );

  it.each(['root', 'acme'] as const)(
    'are answered to the millisecond, asked by %s',
    async (caller) => {
      const scope = caller === 'root' ? null : CALLERS[caller][0];
      let answered = 0;
      for (const question of MATRIX) {
        const answer = await send(caller, usageUrl(question));
        if (scope === null && question['groupby'] === 'hour' && question['start'] === undefined) {
          // Since 1969.
          if (answer.statusCode === 400) continue;
        }
        const expected = expectedUsage(HOLDINGS, question, scope, NOW);
        expect([question, answer.statusCode, answer.body]).toEqual([question, 200, expected]);
        expect(answer.headers['content-type']).toBe('application/json');
        answered += 1;
      }
      expect(answered).toBeGreaterThan(MATRIX.length - 20);
    },
    60_000,
  );

  it.each<[CooprQuestion, string | undefined]>([
    [{ tenant: 't-acme', groupby: 'week' }, 't-acme'],
    [{ tenant: 'acme', groupby: 'month', user: 'ann' }, 't-acme'],
    [{ tenant: 't-beta' }, 't-beta'],
    [{ tenant: 'beta', start: '1772409600' }, 't-beta'],
    [{ tenant: 't-gamma', timeunit: 'hours' }, 't-gamma'],
    [{ tenant: 'Zürich & Söhne', groupby: 'day' }, 't-empty'],
    [{ tenant: 'superadmin' }, 'superadmin'],
    [{ tenant: 'ACME', groupby: 'year' }, 'nobody'],
    [{ tenant: '' }, 'nobody'],
  ])('a superadmin who asks %j is answered about %s', async (question, tenant) => {
    const answer = await send('root', usageUrl(question));
    const expected = expectedUsage(HOLDINGS, { ...question, tenant: tenant! }, null, NOW);
    expect([answer.statusCode, answer.body]).toEqual([200, expected]);
  });

  it('have as many buckets as allowed, over all years there are', async () => {
    const count = async (query: string): Promise<[number, number | string]> => {
      const { statusCode, body } = await send('root', `${USAGE}?${query}`);
      return [statusCode, statusCode === 200 ? (JSON.parse(body) as { data: unknown[] }).data.length : body];
    };
    expect(await count('start=0&end=360000000&groupby=hour')).toEqual([200, 100_000]);
    expect(await count('start=-62135596800&end=253402300799&groupby=year')).toEqual([200, 9_999]);
    expect(await count('start=-62135596800&end=253402300799')).toEqual([200, 1]);
    for (const query of ['start=0&end=360000001&groupby=hour', 'start=-1&end=360000000&groupby=hour']) {
      const tooMany =
        'Incorrect value for field groupby: hour: more than 100000 intervals, name a later start';
      expect(await count(query)).toEqual([400, tooMany]);
    }
  });

  const wrong = (start: string, end: string): string =>
    `Incorrect value for start ${start} or end ${end} timestamp`;
  const field = (name: string, value: string): string => `Incorrect value for field ${name}: ${value}`;
  const notAllowed = (asked: string, own = 't-acme'): string =>
    `Getting information about tenant ${asked} not allowed for tenant ${own}`;
  const NO_USAGE = 'Forbidden to get node usage metrics.';

  it.each<[CallerName, string, number, string]>([
    // 405 for any user of a regular tenant who names a tenant, before all else that could be wrong.
    ['acme', 'tenant=t-beta', 405, notAllowed('t-beta')],
    ['acme', 'tenant=t-acme', 405, notAllowed('t-acme')],
    ['acme', 'tenant=acme&start=x&groupby=x&timeunit=x', 405, notAllowed('acme')],
    ['acme', 'tenant=', 405, notAllowed('')],
    ['acme', 'tenant=a&tenant=b', 405, notAllowed('a')],
    ['acme', 'tenant=Z%C3%BCrich%20%26', 405, notAllowed('Zürich &')],
    ['user', 'tenant=t-acme', 405, notAllowed('t-acme')],
    ['reporter', 'tenant=x&end=x', 405, notAllowed('x')],
    ['gamma', 'tenant=t-beta', 405, notAllowed('t-beta', 't-gamma')],
    // 403 before every 400.
    ['user', 'start=x', 403, NO_USAGE],
    ['user', 'groupby=x', 403, NO_USAGE],
    ['scraper', '', 403, NO_USAGE],
    ['reporter', 'timeunit=x', 403, NO_USAGE],
    ['rootUser', 'tenant=t-acme', 403, NO_USAGE],
    ['rootAdmin', 'start=x', 403, NO_USAGE],
    // start and end, then groupby, then timeunit.
    ['root', 'start=x&end=y&groupby=x&timeunit=x', 400, wrong('x', 'y')],
    ['root', 'end=&groupby=x', 400, wrong('null', '')],
    ['root', 'end=5.0', 400, wrong('null', '5.0')],
    ['root', 'start=7&end=1e3', 400, wrong('7', '1e3')],
    ['root', 'start=%205', 400, wrong(' 5', 'null')],
    ['root', 'start=5+', 400, wrong('5 ', 'null')],
    ['root', 'start=%2B', 400, wrong('+', 'null')],
    ['root', 'start=--5', 400, wrong('--5', 'null')],
    ['root', 'start=0x10', 400, wrong('0x10', 'null')],
    ['root', 'start=null', 400, wrong('null', 'null')],
    ['root', 'start=NaN&end=Infinity', 400, wrong('NaN', 'Infinity')],
    ['root', 'start=2026-01-01', 400, wrong('2026-01-01', 'null')],
    ['root', 'start=1,000', 400, wrong('1,000', 'null')],
    ['root', 'start=9223372036854775808', 400, wrong('9223372036854775808', 'null')],
    ['root', 'end=-9223372036854775809', 400, wrong('null', '-9223372036854775809')],
    ['root', 'start=-62135596801', 400, wrong('-62135596801', 'null')],
    ['root', 'end=253402300800', 400, wrong('null', '253402300800')],
    ['root', 'start=x&start=5', 400, wrong('x', 'null')],
    ['root', 'start', 400, wrong('', 'null')],
    ['acme', 'groupby=x&timeunit=x', 400, field('groupby', 'x')],
    ['acme', 'groupby=', 400, field('groupby', '')],
    ['acme', 'groupby=HOUR', 400, field('groupby', 'HOUR')],
    ['acme', 'groupby=hours', 400, field('groupby', 'hours')],
    ['acme', 'groupby=quarter', 400, field('groupby', 'quarter')],
    ['acme', 'groupby=day&groupby=hour&timeunit=', 400, field('timeunit', '')],
    ['acme', 'timeunit=Second', 400, field('timeunit', 'Second')],
    ['acme', 'timeunit=days%20', 400, field('timeunit', 'days ')],
    ['acme', 'timeunit=weeks', 400, field('timeunit', 'weeks')],
    ['acme', 'timeunit=toString', 400, field('timeunit', 'toString')],
    ['acme', 'service=a%00b', 400, 'Incorrect value for a filter: it holds an unpaired surrogate or NUL'],
  ])('%s who asks %j is refused with %i', async (caller, query, status, body) => {
    const answer = await send(caller, `${USAGE}${query === '' ? '' : '?'}${query}`);
    expect([answer.statusCode, answer.body]).toEqual([status, body]);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  it.each<[string, CooprQuestion]>([
    ['start=%2B1772409600&end=00000000000000000000001772420400', { start: '1772409600', end: '1772420400' }],
    ['start=-0&end=3600', { start: '0', end: '3600' }],
    ['start=1772409600&start=x&groupby=hour&groupby=x', { start: '1772409600', groupby: 'hour' }],
    ['user=ann&user=bob&color=red&__proto__=x&constructor=y', { user: 'ann' }],
    ['user=&groupby=day', { user: '', groupby: 'day' }],
    ['User=bob&GROUPBY=day', {}],
    ['&&start=1772409600&', { start: '1772409600' }],
  ])('%s means %j', async (query, question) => {
    const answer = await send('acme', `${USAGE}?${query}`);
    const expected = expectedUsage(HOLDINGS, question, 't-acme', NOW);
    expect([answer.statusCode, answer.body]).toEqual([200, expected]);
  });

  it('start at 0 for a tenant that never held a node, whatever it asks', async () => {
    for (const query of ['', 'groupby=hour', 'user=ann&groupby=year']) {
      const body = `{"start":0,"end":${Math.floor(NOW / 1000)},"data":[{"time":0,"value":0}]}`;
      expect(await send('empty', `${USAGE}?${query}`)).toMatchObject({ statusCode: 200, body });
    }
    const body = '{"start":7,"end":9,"data":[{"time":7,"value":0}]}';
    expect(await send('empty', `${USAGE}?start=7&end=9&groupby=day`)).toMatchObject({
      statusCode: 200,
      body,
    });
  });

  it('about queues count who is due and held by nobody, and who is held', async () => {
    const zero = { queued: 0, inProgress: 0, total: 0 };
    const acme = { queued: 0, inProgress: 1, total: 1 };
    // waits, due, unblocked, back, tries-again.
    const beta = { queued: 5, inProgress: 1, total: 6 };
    const root = await send('root', `${QUEUES}?tenant=t-acme&queue=none`);
    const all = { acme, beta, gamma: zero, superadmin: zero, 'Zürich & Söhne': zero };
    expect([root.statusCode, root.json()]).toEqual([200, all]);
    expect((await send('acme', `${QUEUES}/?tenant=beta`)).body).toBe(`{"acme":${JSON.stringify(acme)}}`);
    expect((await send('gamma', QUEUES)).body).toBe(`{"gamma":${JSON.stringify(zero)}}`);
    expect((await send('empty', QUEUES)).body).toBe(`{"Zürich & Söhne":${JSON.stringify(zero)}}`);
    for (const caller of ['user', 'reporter', 'scraper', 'rootUser', 'rootAdmin'] as const) {
      const refused = { statusCode: 403, body: 'Forbidden to get queue metrics.' };
      expect(await send(caller, QUEUES)).toMatchObject(refused);
    }
  });

  it.each<[string, Record<string, string | null>, string]>([
    ['nothing', { user: null, tenant: null, key: null }, NO_USER],
    ['no user, and an unknown tenant', { user: null, tenant: 'nobody' }, NO_USER],
    ['no tenant, and an unknown user', { user: 'nobody', tenant: null }, NO_TENANT],
    ['no tenant and no key', { tenant: null, key: null }, NO_TENANT],
    ['no key', { key: null }, REFUSED],
    ['an empty user', { user: '' }, REFUSED],
    ['an empty tenant', { tenant: '' }, REFUSED],
    ['an empty key', { key: '' }, REFUSED],
    ['the tenant’s id instead of its name', { tenant: 't-acme' }, REFUSED],
    ['the tenant in capitals', { tenant: 'ACME' }, REFUSED],
    ['the user in capitals', { user: 'ANN' }, REFUSED],
    ['another user of the tenant', { user: 'bob' }, REFUSED],
    ['another tenant', { tenant: 'beta' }, REFUSED],
    ['a key with something behind it', { key: '…' }, REFUSED],
  ])('with %s in the headers are refused with 401', async (_what, { user, tenant, key }, body) => {
    const good = headers.get('acme')!;
    const sent = {
      ...(user !== null && { 'coopr-userid': user ?? good['Coopr-UserID']! }),
      ...(tenant !== null && { 'COOPR-TENANTID': tenant ?? good['Coopr-TenantID']! }),
      ...(key !== null && {
        'Coopr-APIKEY': key === '…' ? `${good['Coopr-ApiKey']}x` : (key ?? good['Coopr-ApiKey']!),
      }),
    };
    for (const url of [QUEUES, `${USAGE}?tenant=x&start=x`]) {
      const answer = await system.request({ method: 'GET', url, headers: sent });
      expect([answer.statusCode, answer.body]).toEqual([401, body]);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    }
  });

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)(
    'by %s are for the router alone',
    async (method) => {
      for (const url of [QUEUES, `${QUEUES}/`, `${USAGE}?start=x&a=%20b`, `${USAGE}/?tenant=x`, '/status']) {
        const answer = await system.request({ method, url });
        expect([answer.statusCode, answer.body]).toEqual([405, url]);
        expect(answer.headers['content-type']).toBeUndefined();
        expect(answer.headers['connection']).toBe('close');
      }
      for (const url of [
        '/v2',
        '/v2/',
        '/v2/metrics',
        '/v2/metrics/queuesx',
        `${QUEUES}//`,
        '/v2/metrics/nodes?x=1',
      ]) {
        const answer = await system.request({ method, url });
        expect([answer.statusCode, answer.body]).toEqual([
          404,
          `Problem accessing: ${url}. Reason: Not Found`,
        ]);
        expect(answer.headers['content-type']).toBeUndefined();
      }
    },
  );

  it('may end their path with a slash, and ask for the head alone', async () => {
    for (const url of [`${USAGE}?groupby=day`, QUEUES]) {
      const plain = await send('acme', url);
      const slashed = await send('acme', url.replace(/(\?|$)/, '/$1'));
      expect([slashed.statusCode, slashed.body]).toEqual([200, plain.body]);
      const head = await send('acme', url, 'HEAD');
      expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([
        ...[200, ''],
        String(Buffer.byteLength(plain.body)),
      ]);
    }
    for (const url of ['/status', '/status/', '/status?x']) {
      const answer = await system.request({ method: 'GET', url });
      expect([answer.statusCode, answer.body]).toEqual([200, 'OK\n']);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    }
  });
});
