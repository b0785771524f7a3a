import type { Principal, Role } from '@quipu/access';
import { MetricsGate } from './metrics-gate.js';
import { Networks } from './networks.js';

const principal = (role: Role, tenantId = 'acme'): Principal => ({
  ...{ tenantId, tenantName: tenantId, name: 'p', role, sourcePrefix: null },
});
const KEYS = new Map([
  ['scraper', principal('scraper')],
  ['admin', principal('admin')],
  ['user', principal('user')],
  ['reporter', principal('reporter')],
  ['all', principal('scraper', 'superadmin')],
  ['root', principal('superadmin', 'superadmin')],
  ['root admin', principal('admin', 'superadmin')],
]);
const keys = { authenticateSecret: (secret: string) => Promise.resolve(KEYS.get(secret) ?? null) };

describe('MetricsGate', () => {
  const admitted = async (
    token: string | undefined,
    trusted: string[],
    secret: string | null,
    address: string,
  ) => {
    const found = await new MetricsGate({ token, trusted, keys }).admit({ address, secret });
    return found === null ? 'refused' : found.scope.toString();
  };
  const [inside, outside] = ['10.0.0.5', '203.0.113.9'];
  const byKey = [
    ['scraper', 'tenant acme'],
    ['admin', 'tenant acme'],
    ['user', 'refused'],
    ['reporter', 'refused'],
    ['all', 'platform'],
    ['root', 'platform'],
    ['root admin', 'tenant superadmin'],
    ['wrong', 'refused'],
  ] as const;

  it('opens to keys alone when nothing is configured', async () => {
    for (const address of [inside, outside]) {
      expect(await admitted(undefined, [], null, address)).toBe('refused');
      for (const [key, scope] of byKey) expect(await admitted(undefined, [], key, address)).toBe(scope);
    }
  });

  it('opens to the token, and to keys beside it', async () => {
    expect(await admitted('s3cret', [], null, outside)).toBe('refused');
    expect(await admitted('s3cret', [], 's3cret', outside)).toBe('platform');
    expect(await admitted('s3cret', [], 's3cret ', outside)).toBe('refused');
    for (const [key, scope] of byKey) expect(await admitted('s3cret', [], key, outside)).toBe(scope);
  });

  it('opens to trusted addresses alone, and to nobody elsewhere, whatever they show', async () => {
    expect(await admitted(undefined, ['10.0.0.0/8'], null, inside)).toBe('platform');
    expect(await admitted(undefined, ['10.0.0.0/8'], null, outside)).toBe('refused');
    for (const [key, scope] of byKey) {
      expect(await admitted(undefined, ['10.0.0.0/8'], key, inside)).toBe(scope);
      expect(await admitted(undefined, ['10.0.0.0/8'], key, outside)).toBe('refused');
    }
  });

  it('wants both where both are configured', async () => {
    expect(await admitted('s3cret', ['10.0.0.0/8'], null, inside)).toBe('refused');
    expect(await admitted('s3cret', ['10.0.0.0/8'], 's3cret', outside)).toBe('refused');
    expect(await admitted('s3cret', ['10.0.0.0/8'], 's3cret', inside)).toBe('platform');
    expect(await admitted('s3cret', ['10.0.0.0/8'], 'scraper', inside)).toBe('tenant acme');
    expect(await admitted('s3cret', ['10.0.0.0/8'], 'scraper', outside)).toBe('refused');
  });
});

describe('Networks', () => {
  it('knows networks and addresses of both families, mapped ones, and nothing that is no address', () => {
    const networks = new Networks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
    for (const inside of ['10.255.0.1', '::ffff:10.1.2.3', '192.0.2.7', 'fd12::1', '::1', 'fd12::1%eth0']) {
      expect([inside, networks.has(inside)]).toEqual([inside, true]);
    }
    for (const outside of [
      '11.0.0.1',
      '192.0.2.8',
      'fe80::1',
      '::2',
      '',
      'unknown',
      '10.0.0.5, 1.2.3.4',
      '10.1',
    ]) {
      expect([outside, networks.has(outside)]).toEqual([outside, false]);
    }
    expect(new Networks([]).any).toBe(false);
  });
});
