import { startTestSystem, type TestSystem } from './support/test-system.js';
import { NOW, waitingJob } from './support/small-events.js';

/** What a caller shows, and where it comes from. */
interface Caller {
  readonly bearer?: string;
  readonly peer: string;
  readonly forwarded?: string;
}

const INSIDE = '10.0.0.5';
const OUTSIDE = '203.0.113.9';
const TRUSTED = { QUIPU_METRICS_TRUSTED_CIDR: '10.0.0.0/8, fd00::/8' };
const TOKEN = { QUIPU_METRICS_TOKEN: 's3cret-token' };
const PROXY = { QUIPU_TRUSTED_PROXIES: '127.0.0.1, 192.0.2.0/24' };

describe.each([
  ['nothing', {}],
  ['a token', TOKEN],
  ['networks', TRUSTED],
  ['both', { ...TOKEN, ...TRUSTED }],
  ['both behind a proxy', { ...TOKEN, ...TRUSTED, ...PROXY }],
])('GET /metrics with %s configured', (name, env: Record<string, string>) => {
  let system: TestSystem;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW, env });
    await system.tenants.ensure(['acme', 'globex'], 'auto');
    keys['scraper'] = await system.principal('acme', 'scraper', 'scraper');
    keys['admin'] = await system.principal('acme', 'ann', 'admin');
    keys['user'] = await system.principal('acme', 'uwe', 'user');
    keys['reporter'] = await system.principal('acme', 'rob', 'reporter');
    keys['all'] = await system.principal('superadmin', 'prometheus', 'scraper');
    keys['token'] = 's3cret-token';
    keys['wrong'] = 'wr0ng-token';
    await system.report([waitingJob('acme', 'builds', 'a'), waitingJob('globex', 'mail', 'b')]);
  });
  afterAll(() => system.stop());

  const ask = ({ bearer, peer, forwarded }: Caller, url = '/metrics') =>
    system.request({
      ...{ method: 'GET' as const, url, remoteAddress: peer },
      headers: {
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
      },
    });
  /** `platform`, the tenants whose series are seen, or `refused`. */
  const outcome = async (caller: Caller) => {
    const answer = await ask(caller);
    if (answer.statusCode !== 200) {
      // Refused as what does not exist, to the last byte.
      const nothing = await ask(caller, '/metricz');
      expect({ ...answer.headers, date: '' }).toEqual({ ...nothing.headers, date: '' });
      expect(answer.body.replace('/metrics', '/metricz')).toBe(nothing.body);
      expect(answer.statusCode).toBe(404);
      return 'refused';
    }
    const tenants = [
      ...new Set([...answer.body.matchAll(/^quipu_jobs\{tenant="([^"]*)"/gm)].map((m) => m[1])),
    ];
    return `${tenants.sort().join()}${answer.body.includes('quipu_projection_position') ? ' platform' : ''}`;
  };
  const scopeOf: Record<string, string> = {
    ...{ none: 'refused', token: 'refused', wrong: 'refused', user: 'refused', reporter: 'refused' },
    ...{ scraper: 'acme', admin: 'acme', all: 'acme,globex platform' },
  };
  const everything = 'acme,globex platform';
  const [hasToken, hasNetworks] = [
    name !== 'nothing' && name !== 'networks',
    name !== 'nothing' && name !== 'a token',
  ];

  it('answers each bearer from each address as the gates say, and refuses as if there were no route', async () => {
    const behindProxy = name === 'both behind a proxy';
    for (const address of [INSIDE, OUTSIDE, '::ffff:10.1.2.3', 'fd00::1', '2001:db8::1']) {
      const isTrusted = !hasNetworks || !(address === OUTSIDE || address === '2001:db8::1');
      for (const who of Object.keys(scopeOf)) {
        const bearer = who === 'none' ? {} : { bearer: keys[who]! };
        const place = behindProxy ? { peer: '127.0.0.1', forwarded: address } : { peer: address };
        const open = who === 'none' ? hasNetworks && !hasToken : who === 'token' ? hasToken : false;
        const expected = !isTrusted ? 'refused' : open ? everything : scopeOf[who];
        expect([who, address, await outcome({ ...bearer, ...place })]).toEqual([who, address, expected]);
      }
    }
  });

  it('believes no forwarded address that a trusted proxy did not add', async () => {
    const bearer = keys['all']!;
    const seen = hasNetworks ? 'refused' : everything;
    // A client that claims to be inside, directly and through the proxy that adds the address it really sees.
    expect(await outcome({ bearer, peer: OUTSIDE, forwarded: INSIDE })).toBe(seen);
    expect(await outcome({ bearer, peer: '127.0.0.1', forwarded: `${INSIDE}, ${OUTSIDE}` })).toBe(seen);
    expect(await outcome({ bearer, peer: '127.0.0.1', forwarded: `${INSIDE}, ${OUTSIDE}, 192.0.2.8` })).toBe(
      seen,
    );
    expect(await outcome({ bearer, peer: '127.0.0.1', forwarded: 'unknown' })).toBe(seen);
  });

  it('is no route for other methods, and no key outlives its revocation', async () => {
    const answer = await system.request({ method: 'POST', url: '/metrics', remoteAddress: INSIDE });
    expect(answer.statusCode).toBe(404);
    const { id } = (await system.keys.listKeys('acme')).find(
      ({ principalName }) => principalName === 'scraper',
    )!;
    await system.keys.revokeKey(id);
    const place =
      name === 'both behind a proxy' ? { peer: '127.0.0.1', forwarded: INSIDE } : { peer: INSIDE };
    expect(await outcome({ bearer: keys['scraper']!, ...place })).toBe('refused');
  });
});
