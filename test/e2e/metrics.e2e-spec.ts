import { gunzipSync } from 'node:zlib';
import { writeDrift } from '@quipu/ledger';
import { createRedis } from '@quipu/platform';
import { parseExposition, samplesByKey } from '../prometheus/parse-exposition.js';
import { strictParser } from '../prometheus/strict-parser.js';
import { DAY, NOW, waitingJob } from './support/small-events.js';
import { worldOf } from './support/metrics-world.js';
import { startTestSystem, type TestSystem } from './support/test-system.js';

const TENANTS = ['acme', 'beta', 'gamma'] as const;
const SCRAPES = ['/metrics', '/api/1.0/open-metrics/'] as const;
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

const get = (system: TestSystem, url: string, bearer?: string, headers: Record<string, string> = {}) =>
  system.request({
    ...{ method: 'GET' as const, url },
    headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
  });

describe('metrics of several tenants', () => {
  let system: TestSystem;
  let all: string;
  const scrapers = new Map<string, string>();

  beforeAll(async () => {
    system = await startTestSystem({ now: NOW });
    for (const tenant of [...TENANTS, 'superadmin']) await system.report(worldOf(tenant));
    for (const tenant of TENANTS) scrapers.set(tenant, await system.principal(tenant, 'scraper', 'scraper'));
    all = await system.principal('superadmin', 'prometheus', 'scraper');
  }, 60_000);
  afterAll(() => system.stop());

  const lines = async (url: string, bearer?: string) => {
    const answer = await get(system, url, bearer);
    expect([url, answer.statusCode]).toEqual([url, 200]);
    parseExposition(answer.body, 'text');
    return answer.body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  };

  it('shows every family of everybody to who sees the platform, and of one tenant to its scraper', async () => {
    for (const url of SCRAPES) {
      const whole = await lines(url, all);
      for (const tenant of TENANTS) {
        const own = await lines(url, scrapers.get(tenant));
        // Of others nothing, but the fleet that all share: the platform's workers and pools.
        const others = TENANTS.filter((other) => other !== tenant);
        for (const other of others) expect(own.filter((line) => line.includes(other))).toEqual([]);
        const shared = own.filter((line) => line.includes('superadmin'));
        const fleet =
          /^(workers|worker_pool_runtime|quipu_(workers|worker_(slots|state_seconds_total)|pool_busy_ratio|instances))\{/;
        expect(shared.filter((line) => !fleet.test(line))).toEqual([]);
        expect(own.some((line) => line.includes(`-of-${tenant}`))).toBe(true);
        // A line of a tenant with a label of its own is the same line for both.
        for (const line of own.filter((line) => /(tenant|scope)="(?!")/.test(line)))
          expect(whole).toContain(line);
      }
    }
    const status = await get(system, '/api/1.0/service-status/', scrapers.get('acme'));
    expect(status.body).not.toMatch(/beta|gamma/);
    expect(status.json().tasks.Worker).toEqual({ pending: 2, running: 1 });
  });

  it('keeps what is about the platform itself from tenants', async () => {
    const own = await lines('/metrics', scrapers.get('acme'));
    expect(
      own.filter((line) =>
        /^(quipu_projection|quipu_ingest|quipu_dead|quipu_totals|process_|nodejs_)/.test(line),
      ),
    ).toEqual([]);
    const whole = await lines('/metrics', all);
    for (const name of [
      'quipu_projection_lag_seconds{',
      'quipu_ingest_duplicates_total ',
      'process_cpu_seconds_total ',
    ]) {
      expect(whole.filter((line) => line.startsWith(name))).toHaveLength(1);
    }
  });

  it('tells the public sums, and names only of tenants that somebody published', async () => {
    const open = '/api/1.0/open-metrics/';
    const before = await lines(open);
    for (const word of [
      'scope="acme"',
      'scope="beta"',
      'scope-of',
      'pool-of',
      'fs-of',
      'issuer-of',
      'template-of',
    ]) {
      expect([word, before.filter((line) => line.includes(word))]).toEqual([word, []]);
    }
    expect(before).toContain('artifact_file_size{category="category-of-acme",scope=""} 13000');
    await system.tenants.setPublic('beta', true, 'test');
    const after = await lines(open);
    expect(after).toContain('groups{ephemeral="0",scope="beta"} 1');
    expect(after).toContain('groups{ephemeral="0",scope=""} 3');
    for (const word of ['scope="acme"', 'scope="gamma"', 'scope-of-acme', 'pool-of', 'template-of']) {
      expect([word, after.filter((line) => line.includes(word))]).toEqual([word, []]);
    }
    // Whatever is summed away, nothing is lost: each family adds up to the same.
    const sums = (found: string[]) => {
      const total = new Map<string, number>();
      for (const line of found.filter((one) => !one.includes('le="'))) {
        const name = line.split(/[{ ]/, 1)[0]!;
        total.set(name, (total.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)));
      }
      return Object.fromEntries(total);
    };
    expect(sums(after)).toEqual(sums(await lines(open, all)));
    await system.tenants.setPublic('beta', false, 'test');
  });

  it('are accepted by a strict parser, byte for byte', async () => {
    const parser = strictParser();
    for (const url of SCRAPES) {
      const answer = await get(system, url, all, { accept: PROMETHEUS });
      expect(answer.headers['content-type']).toBe(
        'application/openmetrics-text; version=1.0.0; charset=utf-8',
      );
      parseExposition(answer.body, 'openmetrics');
      if (!('missing' in parser)) expect(parser(answer.body)).toBeNull();
    }
  }, 60_000);

  it('are in the format that is wanted most', async () => {
    const formats = {
      openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      text: 'text/plain; version=0.0.4; charset=utf-8',
    };
    const cases: [string, string | undefined, string][] = [
      ['', undefined, formats.text],
      ['', '*/*', formats.text],
      ['', PROMETHEUS, formats.openmetrics],
      ['', 'application/openmetrics-text', formats.openmetrics],
      ['', 'text/plain;q=0.9, application/openmetrics-text;q=0.1', formats.text],
      ['?format=openmetrics', 'text/plain', formats.openmetrics],
      ['?format=prometheus', 'application/openmetrics-text', formats.text],
      ['?format=', 'text/plain', formats.text],
      ['?format=xml', 'text/plain', '406'],
      ['', 'application/json', '406'],
      ['', 'text/plain;q=0', '406'],
    ];
    for (const url of SCRAPES) {
      for (const [query, accept, wanted] of cases) {
        const answer = await get(system, url + query, all, accept === undefined ? {} : { accept });
        const got = answer.statusCode === 200 ? answer.headers['content-type'] : String(answer.statusCode);
        expect([url, query, accept, got]).toEqual([url, query, accept, wanted]);
      }
    }
  });

  it('are sent compressed, and not at all to who has them', async () => {
    for (const url of ['/metrics', '/api/1.0/open-metrics', '/api/1.0/open-metrics/']) {
      const plain = await get(system, url, scrapers.get('acme'));
      const zipped = await get(system, url, scrapers.get('acme'), { 'accept-encoding': 'br, gzip;q=0.5' });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.rawPayload).toString()).toBe(plain.body);
      expect(zipped.headers['etag']).not.toBe(plain.headers['etag']);
      const same = await get(system, url, scrapers.get('acme'), {
        'if-none-match': `"other", ${String(plain.headers['etag'])}`,
      });
      expect([same.statusCode, same.body]).toEqual([304, '']);
      const refused = await get(system, url, scrapers.get('acme'), { 'accept-encoding': 'gzip;q=0' });
      expect(refused.headers['content-encoding']).toBeUndefined();
    }
  });

  it('refuse keys that may not read them', async () => {
    const user = await system.principal('acme', 'uwe', 'user');
    for (const path of ['open-metrics/', 'service-status/']) {
      const answers = [
        await get(system, `/api/1.0/${path}`, user),
        await get(system, `/api/1.0/${path}`, 'nonsense'),
      ];
      expect(answers.map(({ statusCode, body }) => [statusCode, body])).toEqual([
        [403, '{"detail":"You do not have permission to perform this action."}'],
        [401, '{"detail":"Invalid token."}'],
      ]);
    }
  });

  // The clock moves in these two: they are the last ones.
  it('are as old as the last change, or as some seconds', async () => {
    const age = async () => {
      const found = (await lines('/metrics', all)).filter((line) =>
        line.startsWith('quipu_oldest_waiting_seconds{tenant="acme"'),
      );
      return found.map((line) => line.slice(line.lastIndexOf(' ') + 1));
    };
    expect(await age()).toEqual(['900']);
    system.clock.advance(4_000);
    expect(await age()).toEqual(['900']);
    system.clock.advance(2_000);
    expect(await age()).toEqual(['906']);
    system.clock.advance(1_000);
    await system.report([waitingJob('acme', 'new', 'x')]);
    expect(await age()).toEqual(['8', '907']);
  });

  it('know ages at the second of the scrape, although nothing happens', async () => {
    const activity = async () => {
      const found = (await lines('/api/1.0/open-metrics', scrapers.get('beta'))).filter((line) =>
        line.startsWith('user_activity_bucket'),
      );
      return found
        .filter((line) => line.includes('scope="beta"'))
        .map((line) => line.slice(line.lastIndexOf(' ') + 1));
    };
    system.clock.set(NOW);
    expect(await activity()).toEqual(['1', '1', '1', '1', '1', '1', '1', '1']);
    system.clock.set(NOW + 5_001);
    expect(await activity()).toEqual(['0', '1', '1', '1', '1', '1', '1', '1']);
    system.clock.set(NOW + 6 * DAY);
    expect(await activity()).toEqual(['0', '0', '1', '1', '1', '1', '1', '1']);
  });
});

describe('what accrues', () => {
  it('never goes back nor below 0, whatever is told late or ahead of the clock', async () => {
    const system = await startTestSystem({ now: NOW, env: { QUIPU_METRICS_CACHE_SECONDS: '0' } });
    try {
      const [all, acme] = [
        await system.principal('superadmin', 'prometheus', 'scraper'),
        (await system.tenants.ensure(['acme'], 'auto'), await system.principal('acme', 'own', 'scraper')),
      ];
      const ahead = NOW + 200_000;
      const about = { tenant: 'acme', subject: 'node/c/n' };
      const worker = { tenant: 'superadmin', subject: 'worker/w' };
      const job = (i: number, type: string, time: number) => ({
        ...{ type, tenant: 'acme', subject: `job/q/${i}`, time },
        data: type === 'job.queued' ? { queue: 'q' } : { worker: 'w' },
      });
      const before = NOW - 100_000;
      await system.report([
        { type: 'node.allocated', ...about, time: before },
        { type: 'node.allocated', tenant: 'beta', subject: 'node/c/n', time: ahead },
        { type: 'instance.launched', ...worker, subject: 'instance/i', time: ahead, data: { pool: 'p' } },
        { type: 'token.set', ...about, subject: 'token/k', time: ahead, data: {} },
        { type: 'token.seen', ...about, subject: 'token/k', time: ahead },
        { type: 'worker.registered', ...worker, time: before, data: { pool: 'p' } },
        { type: 'worker.connected', ...worker, time: before },
        ...[1, 2].flatMap((i) => [job(i, 'job.queued', NOW - 30_000), job(i, 'job.started', NOW - 30_000)]),
      ]);
      const parser = strictParser();
      const expectStrict = async () => {
        for (const url of SCRAPES) {
          const { body } = await get(system, url, all, { accept: PROMETHEUS });
          parseExposition(body, 'openmetrics');
          if (!('missing' in parser)) expect(parser(body)).toBeNull();
        }
      };
      const shown = async (bearer: string) => {
        const { body } = await get(system, '/metrics', bearer);
        const samples = samplesByKey(parseExposition(body, 'text'));
        const state = (name: string) =>
          samples.get(`quipu_worker_state_seconds_total{pool="p",state="${name}"}`);
        return [
          ...['acme', 'beta'].map((tenant) => samples.get(`quipu_node_seconds_total{tenant="${tenant}"}`)),
          ...['busy', 'idle', 'offline'].map(state),
        ];
      };
      expect(await shown(all)).toEqual(['100', '0', '60', '40', '0']);
      await expectStrict();
      const { body: slots } = await get(system, '/metrics', all);
      // Two jobs on one slot: one of them is beyond what the worker has.
      expect(slots).toContain('quipu_worker_slots{pool="p",state="busy"} 1\n');
      expect(slots).toContain('quipu_pool_busy_ratio{pool="p"} 1\n');
      expect(slots).toContain('quipu_worker_seconds_conserved_ratio{tenant="superadmin"} 1\n');
      expect((await get(system, '/metrics', acme)).body).not.toContain('conserved_ratio{');
      system.clock.advance(10_000);
      // Two jobs at once: connected time less busy time has fallen.
      expect(await shown(all)).toEqual(['110', '0', '80', '40', '0']);
      await system.report([
        { type: 'node.released', ...about, time: NOW - 30_000 },
        { type: 'worker.retired', ...worker, time: NOW - 50_000 },
        job(1, 'job.completed', NOW - 25_000),
      ]);
      expect(await shown(all)).toEqual(['110', '0', '80', '40', '0']);
      expect((await shown(acme))[0]).toBe('110');
      await system.report([{ type: 'node.allocated', ...about, subject: 'node/c/m', time: NOW - 32_000 }]);
      // Now 70 s and 42 s of the second node: the truth has caught up.
      expect((await shown(acme))[0]).toBe('112');
      expect((await shown(all))[0]).toBe('112');
      const { body } = await get(system, '/api/1.0/open-metrics/', all, { accept: PROMETHEUS });
      expect(body).toContain('worker_pool_runtime{worker_pool="p"} 0\n');
      expect(body).toMatch(/^tokens_last_seen_gsum\{.*\} 0$/m);
    } finally {
      await system.stop();
    }
  }, 60_000);
});

describe('drift of the totals', () => {
  it('is told before anybody compared them, after, and when they have been loaded anew', async () => {
    const system = await startTestSystem({ now: NOW, env: { QUIPU_METRICS_CACHE_SECONDS: '0' } });
    const redis = createRedis(system.redisUrl, 'plain');
    try {
      const all = await system.principal('superadmin', 'prometheus', 'scraper');
      await system.report([waitingJob('acme', 'q', 'a')]);
      const told = async () => {
        const { body } = await get(system, '/metrics', all);
        const samples = samplesByKey(parseExposition(body, 'text'));
        const names = ['quipu_totals_drift', 'quipu_totals_compared_timestamp_seconds'];
        return names.map((name) => samples.get(`${name}{}`));
      };
      expect(await told()).toEqual(['0', '0']);
      const found = { atMs: NOW - 500, position: '1', drift: 3 };
      await writeDrift(redis, { ...found, healed: false });
      expect(await told()).toEqual(['3', String((NOW - 500) / 1000)]);
      await writeDrift(redis, { ...found, healed: true });
      expect((await told())[0]).toBe('0');
      await writeDrift(redis, { ...found, healed: false });
      await redis.hset('{quipu}:drift', 'generation', 'of totals that are gone');
      expect((await told())[0]).toBe('0');
    } finally {
      redis.disconnect();
      await system.stop();
    }
  });
});

describe('metrics configured otherwise', () => {
  it('keep to their budget, and say what they have folded', async () => {
    const env = {
      QUIPU_METRICS_MAX_SERIES: '3',
      QUIPU_PUBLIC_METRICS: 'off',
      QUIPU_METRICS_CACHE_SECONDS: '0',
      QUIPU_METRICS_HOST_PREFIX: 'backup_',
    };
    const system = await startTestSystem({ now: NOW, env });
    try {
      expect((await get(system, '/api/1.0/open-metrics/')).statusCode).toBe(401);
      expect((await get(system, '/api/1.0/service-status/')).statusCode).toBe(401);
      const bearer = await system.principal('superadmin', 'prometheus', 'scraper');
      await system.report(Array.from({ length: 10 }, (_, i) => waitingJob('acme', `queue${i}`, String(i))));
      await system.report([
        { type: 'job.started', tenant: 'acme', subject: 'job/queue0/acme-0', time: NOW - 500 },
      ]);
      const body = (await get(system, '/metrics', bearer)).body;
      const samples = samplesByKey(parseExposition(body, 'text'));
      expect([...samples].filter(([key]) => key.startsWith('quipu_jobs{'))).toEqual([
        ['quipu_jobs{queue="queue0",state="running",tenant="acme"}', '1'],
        ['quipu_jobs{queue="queue1",state="queued",tenant="acme"}', '1'],
        ['quipu_jobs{queue="__other__",state="__other__",tenant="__other__"}', '8'],
      ]);
      expect(samples.get('quipu_series_folded{family="quipu_jobs"}')).toBe('8');
      expect(body.startsWith('# HELP backup_hosts_total ')).toBe(true);
      expect(body).not.toContain('rm_');
      // Rows that the contract fixes are not folded, and an age is the greatest of them.
      expect([...samples].filter(([key]) => key.startsWith('backup_active_alerts'))).toHaveLength(3);
      expect(samples.get('quipu_oldest_waiting_seconds{queue="__other__",tenant="__other__"}')).toBe('1');
      // Without a cache the clock alone moves what ages.
      const age = async () =>
        /^quipu_oldest_waiting_seconds.*queue1"\} (\d+)$/m.exec(
          (await get(system, '/metrics', bearer)).body,
        )![1];
      expect(await age()).toBe('1');
      system.clock.advance(1000);
      expect(await age()).toBe('2');
    } finally {
      await system.stop();
    }
  });
});
