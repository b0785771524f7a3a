import { parseExposition } from '../prometheus/parse-exposition.js';
import { NOW } from './support/small-events.js';
import { QUIPU_SENTENCES } from './support/sentences/quipu.js';
import { RESTIC_SENTENCES } from './support/sentences/restic.js';
import { eventsOf } from './support/sentences/told.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

/** Families in the order of the contract, with their types. */
const FAMILIES: readonly [name: string, type: string][] = [
  ...(
    [
      ...['hosts_total', 'hosts_online', 'active_alerts', 'build_info', 'host_agent_online'],
      ...['host_last_backup_timestamp_seconds', 'host_last_backup_success', 'host_repo_size_bytes'],
      ...['host_snapshot_count', 'host_open_alerts', 'host_repo_status'],
    ] as const
  ).map((name): [string, string] => [`rm_${name}`, 'gauge']),
  ['rm_job_duration_seconds', 'histogram'],
];

const SENTENCES = [...RESTIC_SENTENCES, ...QUIPU_SENTENCES];
/** A tenant for each. */
const TENANTS = SENTENCES.map((_, i) => `t${i}`);

const TOKEN = 't0ken';
const INSIDE = [
  '10.0.0.0',
  '10.255.255.255',
  '192.0.2.7',
  '::ffff:10.0.0.1',
  '::ffff:a00:1',
  'fd00::1',
  'fd00::1%eth0',
  '::1',
];
const OUTSIDE = [
  '9.255.255.255',
  '11.0.0.0',
  '192.0.2.6',
  '192.0.2.8',
  '::ffff:11.0.0.1',
  'fe00::1',
  '::2',
  '127.0.0.1',
];

describe('the families of /metrics, sentence by sentence', () => {
  let system: TestSystem;
  const keys: string[] = [];

  beforeAll(async () => {
    const env = { QUIPU_METRICS_TOKEN: ` ${TOKEN} `, QUIPU_REQUESTS_PER_ADDRESS: '0' };
    system = await startTestSystem({ now: NOW, env });
    await system.tenants.ensure(TENANTS, 'auto');
    await system.report(TENANTS.flatMap((tenant, i) => eventsOf(tenant, SENTENCES[i]![1])));
    for (const tenant of TENANTS) keys.push(await system.principal(tenant, 'scraper', 'scraper'));
  }, 120_000);
  afterAll(() => system.stop());

  const scrape = async (bearer: string): Promise<string> => {
    const { body } = await system.request({
      ...{ method: 'GET' as const, url: '/metrics', headers: { authorization: `Bearer ${bearer}` } },
    });
    const families = parseExposition(body, 'text');
    expect(families.slice(0, FAMILIES.length).map(({ name, type }) => [name, type])).toEqual(FAMILIES);
    return body;
  };

  it.each(SENTENCES.map(([what, , begin, lines], i) => [what, begin, lines, i] as const))(
    '%s',
    async (_, begin, lines, i) => {
      const pattern = new RegExp(`^(?!rm_build_info)${begin}`);
      const found = (await scrape(keys[i]!)).split('\n').filter((line) => pattern.test(line));
      expect(found).toEqual(lines.map((line) => line.replaceAll('$T', TENANTS[i]!)));
    },
  );

  it('a label with a tenant makes a line the same for who sees all tenants', async () => {
    const platform = new Set((await scrape(TOKEN)).split('\n'));
    const lines = SENTENCES.flatMap((sentence, i) =>
      sentence[3].filter((line) => line.includes('$T')).map((line) => line.replaceAll('$T', TENANTS[i]!)),
    );
    expect(lines.length).toBeGreaterThan(40);
    expect(lines.filter((line) => !platform.has(line))).toEqual([]);
  });
});

describe('the gate of restic-manager', () => {
  let system: TestSystem;

  beforeAll(async () => {
    const env = {
      QUIPU_METRICS_TRUSTED_CIDR: ' 10.0.0.0/8 ,192.0.2.7, fd00::/8,::1/128',
      QUIPU_REQUESTS_PER_ADDRESS: '0',
    };
    system = await startTestSystem({ now: NOW, env });
  }, 60_000);
  afterAll(() => system.stop());

  const ask = (remoteAddress: string, headers: Record<string, string> = {}, url = '/metrics') =>
    system.request({ method: 'GET', url, remoteAddress, headers });

  it('is open to addresses of the networks alone, of either family', async () => {
    for (const address of INSIDE) expect([address, (await ask(address)).statusCode]).toEqual([address, 200]);
    for (const address of OUTSIDE) expect([address, (await ask(address)).statusCode]).toEqual([address, 404]);
  });

  it('refuses whoever shows something that is no key, also from within', async () => {
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer nope',
      'Basic dDprZXk=',
      'nope',
      `Bearer ${'x'.repeat(600)}`,
    ]) {
      expect([authorization, (await ask('10.0.0.5', { authorization })).statusCode]).toEqual([
        authorization,
        404,
      ]);
    }
    for (const forwarded of ['10.0.0.5', '::1', '10.0.0.5, 10.0.0.6']) {
      expect(
        (await ask('203.0.113.9', { 'x-forwarded-for': forwarded, forwarded: `for=${forwarded}` }))
          .statusCode,
      ).toBe(404);
    }
  });

  it('looks, to whoever is refused, as no path does, in any spelling and with any method', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE'] as const) {
      for (const tail of ['', '?format=openmetrics', '?token=x', '/', '/x']) {
        const [gate, nothing] = await Promise.all(
          ['/metrics', '/metricz'].map((path) =>
            system.request({
              method,
              url: path + tail,
              remoteAddress: '203.0.113.9',
              headers: { accept: 'image/png' },
            }),
          ),
        );
        expect([method, tail, gate!.statusCode, { ...gate!.headers, date: '' }]).toEqual([
          ...[method, tail, 404, { ...nothing!.headers, date: '' }],
        ]);
        // A HEAD's body goes nowhere.
        if (method !== 'HEAD') expect(gate!.body.replace('/metrics', '/metricz')).toBe(nothing!.body);
      }
    }
    for (const url of ['/METRICS', '//metrics', '/metrics/', '/metrics.txt']) {
      expect([url, (await ask('10.0.0.5', {}, url)).statusCode]).toEqual([url, 404]);
    }
  });
});
