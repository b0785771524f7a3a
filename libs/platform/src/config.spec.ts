import { resolve } from 'node:path';
import { absolutePaths, loadConfig } from './config.js';
import { ConfigError } from './errors.js';

function refusal(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('loadConfig', () => {
  it('has a default for everything', () => {
    const config = loadConfig({});
    expect(config).toEqual({
      dataDir: resolve('.quipu'),
      archiveDir: resolve('.quipu', 'archive'),
      host: '127.0.0.1',
      port: 8080,
      maxEventAgeDays: 400,
      tenants: 'auto',
      logLevel: 'info',
      lagWarnSeconds: 60,
      workerLeaseSeconds: 60,
      databasePoolSize: 10,
      ingestConcurrency: 500,
      jobLockMs: 5_000,
      maxQueueLength: 10_000,
      requestsPerKey: 500,
      requestsPerAddress: 1_000,
      trustedProxies: [],
      shutdownSeconds: 10,
      commit: '',
      metricsTrustedCidr: [],
      publicMetrics: 'aggregate',
      metricsCacheSeconds: 5,
      metricsMaxSeries: 10_000,
      metricsHostPrefix: 'rm_',
      gnocchiAuth: 'key',
      gnocchiPrefix: '',
      archiveDefaults: true,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('counts an empty variable as unset', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: '' })).toEqual(loadConfig({}));
  });

  it('puts the data directory beside the repository unless it is named', () => {
    expect(loadConfig({ QUIPU_HOME: '/srv/quipu' }).dataDir).toBe('/srv/quipu/.quipu');
    expect(loadConfig({ QUIPU_HOME: '/srv/quipu', QUIPU_DATA_DIR: 'data' }).dataDir).toBe(resolve('data'));
  });

  it('tells programs of another working directory where its files are', () => {
    const vocabulary = 'deploy/debusine/vocabulary.json';
    const env = absolutePaths(loadConfig({ QUIPU_DATA_DIR: 'data', QUIPU_METRICS_VOCABULARY: vocabulary }));
    expect(env).toEqual({
      QUIPU_DATA_DIR: resolve('data'),
      QUIPU_ARCHIVE_DIR: resolve('data', 'archive'),
      QUIPU_METRICS_VOCABULARY: resolve(vocabulary),
    });
    expect(absolutePaths(loadConfig({}))).not.toHaveProperty('QUIPU_METRICS_VOCABULARY');
  });

  it('takes prefixes of metrics about hosts that no other metric has', () => {
    for (const prefix of ['rm_', 'backup_', 'quipus_', 'my_quipu_']) {
      expect(loadConfig({ QUIPU_METRICS_HOST_PREFIX: prefix }).metricsHostPrefix).toBe(prefix);
    }
    for (const wrong of ['quipu_', 'quipu_hosts_', 'process_', 'nodejs_', '1_', 'a b']) {
      expect(refusal({ QUIPU_METRICS_HOST_PREFIX: wrong })).toContain('QUIPU_METRICS_HOST_PREFIX');
    }
  });

  it('names every wrong variable with its value and what is allowed', () => {
    const message = refusal({ PORT: '80a', QUIPU_TENANTS: 'lax', QUIPU_LAG_WARN_SECONDS: '0' });
    expect(message.split('\n')).toEqual([
      'PORT="80a" is not allowed: it must be a whole number from 0 to 65535.',
      'QUIPU_TENANTS="lax" is not allowed: it must be one of auto, strict.',
      'QUIPU_LAG_WARN_SECONDS="0" is not allowed: it must be a whole number from 1 to 86400.',
    ]);
  });

  it('takes addresses and networks as trusted proxies, and nothing else', () => {
    const { trustedProxies } = loadConfig({ QUIPU_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8' });
    expect(trustedProxies).toEqual(['127.0.0.1', '10.0.0.0/8', 'fd00::/8']);
    for (const wrong of ['proxy.example', '10.0.0.0/33', '::1/129', '1.2.3.4,', '10.0.0.0/8/8']) {
      expect(refusal({ QUIPU_TRUSTED_PROXIES: wrong })).toContain('QUIPU_TRUSTED_PROXIES');
    }
  });

  it('takes ascending seconds as bounds of histograms, and nothing else', () => {
    expect(loadConfig({ QUIPU_JOB_WAIT_BUCKETS: '0.05, 1,90' }).jobWaitBuckets).toEqual([0.05, 1, 90]);
    for (const wrong of ['1,1', '2,1', '0', '-1', '1e3', '1,,2', '0.0001', '+Inf']) {
      expect(refusal({ QUIPU_JOB_RUN_BUCKETS: wrong })).toContain('QUIPU_JOB_RUN_BUCKETS');
    }
  });

  it('trusts names of Gnocchi clients on loopback only', () => {
    for (const HOST of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
      expect(loadConfig({ HOST, QUIPU_GNOCCHI_AUTH: 'trust' }).gnocchiAuth).toBe('trust');
    }
    for (const HOST of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example']) {
      expect(refusal({ HOST, QUIPU_GNOCCHI_AUTH: 'trust' })).toContain('QUIPU_GNOCCHI_AUTH');
    }
  });

  it('takes paths as prefixes, and nothing else', () => {
    expect(loadConfig({ QUIPU_GNOCCHI_PREFIX: '/time-series/gnocchi' }).gnocchiPrefix).toBe(
      '/time-series/gnocchi',
    );
    for (const wrong of ['/', 'metric', '/metric/', '/a//b', '/:id', '/*', '/a b']) {
      expect(refusal({ QUIPU_GNOCCHI_PREFIX: wrong })).toContain('QUIPU_GNOCCHI_PREFIX');
    }
  });

  it('never prints a secret', () => {
    const message = refusal({ DATABASE_URL: 'mysql://me:hunter2@host', QUIPU_SUPERADMIN_KEY: 'hunter3 x' });
    expect(message).not.toMatch(/hunter/);
    expect(message).toContain('postgres:// or postgresql://');
  });
});
