import { createRedis } from '@quipu/platform';
import { GenerationStore, KEPT_GENERATIONS } from '@quipu/read-models';
import type { Redis } from 'ioredis';
import type { InjectOptions } from 'light-my-request';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const SECOND = 1_700_000_000;
const JSON_PATH = '/api2/json/status/metrics';
const EXTJS_PATH = '/api2/extjs/status/metrics';
const TYPE = 'application/json;charset=UTF-8';
/** Every second that is a generation's, of those kept when none is missing; seconds from now. */
const FULL = Array.from({ length: KEPT_GENERATIONS }, (_, i) => 0 - 10 * i);

interface Point {
  readonly id: string;
  readonly timestamp: number;
}

describe('the Proxmox dialect, case by case', () => {
  let system: TestSystem;
  let redis: Redis;
  let store: GenerationStore;
  let root: string;
  let user: string;

  beforeAll(async () => {
    system = await startTestSystem({
      ...{ now: SECOND * 1000 + 999, refusalMs: 1 },
      env: { QUIPU_REQUESTS_PER_KEY: '0', QUIPU_REQUESTS_PER_ADDRESS: '0' },
    });
    redis = createRedis(system.redisUrl, 'plain');
    store = new GenerationStore(redis);
    root = await system.principal('superadmin', 'root', 'superadmin');
    await system.tenants.create({ id: 'acme', name: 'acme' });
    user = await system.principal('acme', 'bob', 'user');
  }, 60_000);
  afterAll(async () => {
    redis.disconnect();
    await system.stop();
  });

  /** Keeps these generations, by seconds from now, and no others. */
  const keep = async (offsets: readonly number[], ids: readonly string[] = ['host', 'tenant/acme']) => {
    const old = await redis.keys('{quipu}:generations*');
    await redis.del('{quipu}:sampler', '{quipu}:sampler:lease', ...old);
    await store.takeLease('test', 600_000);
    for (const offset of [...offsets].sort((a, b) => a - b)) {
      const points = ids.map((id) => ({ id, metric: 'm', type: 'gauge' as const, value: 0.5 }));
      const generation = { timestamp: SECOND + offset, points, leftOut: 0, epoch: '' };
      expect(await store.add('test', generation, SECOND)).toBe('stored');
    }
  };
  const ask = (url: string, more: Omit<InjectOptions, 'url'> = {}) =>
    system.request({ method: 'GET', headers: { authorization: `Bearer ${root}` }, ...more, url });
  /** Times of the host's points, seconds from now. */
  const times = async (query: string): Promise<number[]> => {
    const answer = await ask(JSON_PATH + query);
    expect([query, answer.statusCode, answer.headers['content-type']]).toEqual([query, 200, TYPE]);
    const points = answer.json().data.data as Point[];
    return points.filter(({ id }) => id === 'host').map(({ timestamp }) => timestamp - SECOND);
  };
  const start = (offset: number): string => `start-time=${SECOND + offset}`;

  const upTo = (oldest: number): number[] => FULL.filter((offset) => offset >= oldest).reverse();

  it('selects by history and start', async () => {
    await keep([...FULL, -1810, -1820, -1830]);
    const all = upTo(-1800);
    expect(all).toHaveLength(181);
    const cases: readonly (readonly [string, readonly number[]])[] = [
      ...['', '?', '?&', '?history=0', '?history=False', `?${start(-30)}`, `?${start(50)}`].map(
        (query): [string, number[]] => [query, [0]],
      ),
      [`?history=off&${start(50)}`, [0]],
      ...['true', 'TRUE', 'tRuE', '1', 'on', 'ON', 'yes', 'Yes', '%31', '%74rue'].map(
        (yes): [string, number[]] => [`?history=${yes}`, all],
      ),
      ...['0', '-0', '%2B0', '000', '-1', '1', '-9223372036854775808', `${'0'.repeat(40)}1`].map(
        (first): [string, number[]] => [`?history=1&start-time=${first}`, all],
      ),
      [`?${start(-30)}&history=1`, [-20, -10, 0]],
      [`?h%69story=1&start%2Dtime=${SECOND - 30}`, [-20, -10, 0]],
      [`?history=1&start-time=%2B${SECOND - 30}`, [-20, -10, 0]],
      [`?history=1&start-time=00${SECOND - 30}`, [-20, -10, 0]],
      ...['9223372036854775807', '9007199254740993', '99999999999'].map((last): [string, number[]] => [
        `?history=1&start-time=${last}`,
        [],
      ]),
    ];
    for (const [query, expected] of cases) expect([query, await times(query)]).toEqual([query, expected]);
    // Strictly later, second by second around every boundary.
    for (const around of [0, -10, -900, -1790, -1800, -1810]) {
      for (const offset of [-2, -1, 0, 1, 2].map((more) => around + more)) {
        const expected = all.filter((time) => time > offset);
        expect([offset, await times(`?history=1&${start(offset)}`)]).toEqual([offset, expected]);
      }
    }
  }, 60_000);

  const selections: readonly (readonly [
    what: string,
    kept: readonly number[],
    ...cases: readonly (readonly [string, readonly number[]])[],
  ])[] = [
    ['none at all', [], ['?history=1', []], ['', []]],
    ['one', [-7], ['?history=1', [-7]], ['', [-7]]],
    ['one that is exactly at the start', [-10], [`?history=1&${start(-10)}`, []]],
    ['a pause', [-2, -302, -312, -322], [`?history=1&${start(-320)}`, [-312, -302, -2]]],
    ['old ones', [-1795, -1785], ['', [-1785]], [`?history=1&${start(-1790)}`, [-1785]]],
    ['those older than half an hour, still kept', [-9000, -8990], [`?history=1`, [-9000, -8990]]],
    ['those not at tens', [-3, -13, -23], [`?history=1&${start(-13)}`, [-3]]],
    ['one of a clock ahead', [0, 10], [`?history=1&${start(0)}`, [10]], [`?history=1&${start(1)}`, []]],
  ];
  it.each(selections)('selects of %s', async (_, offsets, ...cases) => {
    await keep(offsets);
    for (const [query, expected] of cases) expect([query, await times(query)]).toEqual([query, expected]);
  });

  it('refuses what it cannot read, by name, in both envelopes', async () => {
    for (const [query, ...names] of [
      ...['2', '-1', 'y', 'n', 't', 'f', 'null', '01', '1.0', '+1', '%20', '1%20', '%001', 'wahr', ''].map(
        (value) => [`history=${value}`, 'history'] as const,
      ),
      ['history', 'history'],
      ...[
        '',
        'x',
        '1.5',
        '1e3',
        '0x10',
        '1_000',
        '+',
        '-',
        '--1',
        '%20',
        `${SECOND}%20`,
        '+5',
        '٣',
        'NaN',
        'Infinity',
      ].map((value) => [`start-time=${encodeURI(value)}`, 'start-time'] as const),
      ...['9223372036854775808', '-9223372036854775809', '9'.repeat(200)].map(
        (value) => [`history=1&start-time=${value}`, 'start-time'] as const,
      ),
      ['history=1&history=1', 'history'],
      ['history=1&history=0', 'history'],
      ['start-time=1&start-time=2', 'start-time'],
      ['History=1', 'History'],
      ['start_time=1', 'start_time'],
      ['starttime=1', 'starttime'],
      ['history%5B%5D=1', 'history[]'],
      ['local-only=1', 'local-only'],
      ['node-list=a,b', 'node-list'],
      ['history=1;start-time=1', 'history'],
      ['constructor=1', 'constructor'],
      ['__proto__=1', '__proto__'],
      ['=1', ''],
      ['_dc=1700000000', '_dc'],
      ['color=red&history=2&start-time=x', 'color', 'history', 'start-time'],
    ] as const) {
      const plain = await ask(`${JSON_PATH}?${query}`);
      expect([query, plain.statusCode, plain.headers['content-type']]).toEqual([query, 400, TYPE]);
      expect(plain.body).toMatch(/^parameter verification failed - '/);
      const wrapped = await ask(`${EXTJS_PATH}?${query}`);
      expect([query, wrapped.statusCode, wrapped.headers['content-type']]).toEqual([query, 200, TYPE]);
      const { errors, ...rest } = wrapped.json<{ errors: object }>();
      expect([query, rest]).toEqual([
        query,
        { data: null, message: plain.body, status: 400, success: false },
      ]);
      expect([query, Object.keys(errors)]).toEqual([query, names]);
    }
    // A few of many are told, and of a long name the beginning.
    const many = Array.from({ length: 100 }, (_, i) => `p${i}${'x'.repeat(80)}=1`).join('&');
    const told = Object.keys((await ask(`${EXTJS_PATH}?${many}`)).json().errors as object);
    expect([told.length, Math.max(...told.map((name) => name.length))]).toEqual([20, 80]);
  });

  it('knows who asks by either header, and nobody by anything else', async () => {
    await keep([0]);
    const good = [
      ...[`Bearer ${root}`, `bearer ${root}`, `BEARER  ${root} `],
      ...['=', ' '].map((by) => `PBSAPIToken${by}root@quipu!superadmin:${root}`),
      `PBSAPIToken=%72oot@quipu!super%61dmin:${root}`,
    ];
    const bad = [
      ...[
        root,
        `Bearer`,
        `Bearer ${root} x`,
        `Bearer:${root}`,
        `Token ${root}`,
        `Bearer ${root.slice(0, -1)}`,
      ],
      ...[
        'root',
        'root@quipu',
        'root@pam!superadmin',
        'root@quipu!acme',
        'root@quipu!SUPERADMIN',
        '@quipu!superadmin',
      ].map((id) => `PBSAPIToken=${id}:${root}`),
      ...[`PBSAPIToken=root@quipu!superadmin:${user}`, `PBSAPIToken=bob@quipu!superadmin:${user}`],
      ...[`PBSAPIToken=root@quipu!superadmin`, `PBSAPIToken=root@quipu!superadmin=${root}`, 'PBSAPIToken'],
      `PVEAPIToken=root@quipu!superadmin=${root}`,
      `Basic ${Buffer.from(`root:${root}`).toString('base64')}`,
      '',
    ];
    for (const [authorization, status] of [
      ...good.map((one) => [one, 200] as const),
      ...bad.map((one) => [one, 401] as const),
    ]) {
      const plain = await ask(JSON_PATH, { headers: { authorization } });
      expect([authorization, plain.statusCode]).toEqual([authorization, status]);
      expect(plain.headers['content-type']).toBe(TYPE);
      if (status === 401) expect(plain.body).toBe('authentication failed');
      const wrapped = await ask(EXTJS_PATH, { headers: { authorization } });
      expect([authorization, wrapped.statusCode, wrapped.json().status]).toEqual([
        authorization,
        200,
        status,
      ]);
      expect(wrapped.json().success).toBe(status === 200);
    }
    // Who is nobody does not learn what is wrong with its parameters; a ticket is nothing here.
    for (const headers of [{}, { cookie: `PBSAuthCookie=${root}` }, { 'x-api-key': root }]) {
      expect((await ask(`${JSON_PATH}?color=red`, { headers })).statusCode).toBe(401);
    }
  });

  it('answers at its paths, whatever the slashes, and says in its own form that there is nothing else', async () => {
    await keep([0]);
    const bytes = (await ask(JSON_PATH)).body;
    for (const path of [`${JSON_PATH}/`, `/${JSON_PATH}`, '/api2//json/status///metrics//']) {
      for (const query of ['', '?history=1']) {
        const answer = await ask(path + query);
        expect([path + query, answer.statusCode, answer.body]).toEqual([path + query, 200, bytes]);
      }
    }
    const head = await ask(JSON_PATH, { method: 'HEAD' });
    expect([head.statusCode, head.body]).toEqual([200, '']);
    const missing: readonly (readonly [string, NonNullable<InjectOptions['method']>])[] = [
      ...(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const).map(
        (method) => [JSON_PATH, method] as const,
      ),
      ...['', '/', '/status', '/status/metrics/x', '/STATUS/metrics', '/status/metrics.json', '/version'].map(
        (rest) => [`/api2/json${rest}`, 'GET'] as const,
      ),
    ];
    for (const [path, method] of missing) {
      const plain = await ask(path, { method });
      const shown = `${method} ${path}`;
      expect([shown, plain.statusCode, plain.headers['content-type']]).toEqual([shown, 404, TYPE]);
      const wrapped = await ask(path.replace('json', 'extjs'), { method });
      expect([shown, wrapped.statusCode, wrapped.headers['content-type']]).toEqual([shown, 200, TYPE]);
      expect(wrapped.json()).toMatchObject({ data: null, success: false, status: 404, errors: {} });
    }
  });

  it('shows an id to who may see that very one, and to nobody what only looks like it', async () => {
    const near = ['tenant/acme2', 'tenant/acm', 'tenant/acme/x', 'tenant/ACME', 'tenant/', 'tenant', 'acme'];
    await keep([-10, 0], ['host', 'datastore/acme', 'pool/acme', 'tenant/acme', ...near]);
    for (const [path, query] of [
      [JSON_PATH, '?history=1'],
      [EXTJS_PATH, '?history=1'],
    ] as const) {
      const answer = await ask(path + query, { headers: { authorization: `Bearer ${user}` } });
      expect(answer.json().data).toEqual({
        data: [-10, 0].map((offset) => ({
          ...{ id: 'tenant/acme', metric: 'm', timestamp: SECOND + offset, type: 'gauge', value: 0.5 },
        })),
      });
    }
  });
});
