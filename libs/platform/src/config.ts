import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './errors.js';

/** Everything a Quipu process reads from its environment, parsed once and frozen. */
export interface Config {
  /** Absolute path of the directory with embedded services, keys and logs (`QUIPU_DATA_DIR`). */
  readonly dataDir: string;
  /** Absolute path of the directory with archived parts of the log (`QUIPU_ARCHIVE_DIR`). */
  readonly archiveDir: string;
  /** Address the API listens on (`HOST`). */
  readonly host: string;
  /** Port the API listens on (`PORT`); 0 lets the supervisor pick a free one. */
  readonly port: number;
  /** Postgres to use (`DATABASE_URL`); absent: an embedded one. */
  readonly databaseUrl?: string;
  /** Redis to use (`REDIS_URL`); absent: an embedded one. */
  readonly redisUrl?: string;
  /** Preset superadmin key (`QUIPU_SUPERADMIN_KEY`); rules at every start. */
  readonly superadminKey?: string;
  /** Events older than this are refused unless they are backfill (`QUIPU_MAX_EVENT_AGE_DAYS`). */
  readonly maxEventAgeDays: number;
  /** What happens to events of unknown tenants (`QUIPU_TENANTS`). */
  readonly tenants: 'auto' | 'strict';
  /** pino level (`QUIPU_LOG_LEVEL`). */
  readonly logLevel: string;
  /** Lag of the projection, in seconds, from which health says degraded (`QUIPU_LAG_WARN_SECONDS`). */
  readonly lagWarnSeconds: number;
  /** Silence after which a worker is declared lost, in seconds; 0: never (`QUIPU_WORKER_LEASE_SECONDS`). */
  readonly workerLeaseSeconds: number;
  /** Connections of one process's Postgres pool (`QUIPU_DATABASE_POOL_SIZE`). */
  readonly databasePoolSize: number;
  /** BullMQ jobs in flight per projector (`QUIPU_INGEST_CONCURRENCY`). */
  readonly ingestConcurrency: number;
  /** Milliseconds after which the jobs of a projector that was killed go to another (`QUIPU_JOB_LOCK_MS`). */
  readonly jobLockMs: number;
  /** Jobs waiting in the queue from which events over HTTP are put off with 429 (`QUIPU_MAX_QUEUE_LENGTH`). */
  readonly maxQueueLength: number;
  /** Requests per second that one key may make, 0 for any number (`QUIPU_REQUESTS_PER_KEY`). */
  readonly requestsPerKey: number;
  /** Requests per second that one address may make, 0 for any number (`QUIPU_REQUESTS_PER_ADDRESS`). */
  readonly requestsPerAddress: number;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed (`QUIPU_TRUSTED_PROXIES`). */
  readonly trustedProxies: readonly string[];
  /** Seconds a process gets to finish its work after SIGTERM (`QUIPU_SHUTDOWN_SECONDS`). */
  readonly shutdownSeconds: number;
  /** Commit this was built from, for the metrics; empty where nobody says (`QUIPU_COMMIT`). */
  readonly commit: string;
  /** Bearer token that opens `/metrics` on all tenants (`QUIPU_METRICS_TOKEN`). */
  readonly metricsToken?: string;
  /** Addresses and networks that alone reach `/metrics` (`QUIPU_METRICS_TRUSTED_CIDR`); none: any. */
  readonly metricsTrustedCidr: readonly string[];
  /** What the Debusine paths tell who shows no key (`QUIPU_PUBLIC_METRICS`). */
  readonly publicMetrics: 'aggregate' | 'full' | 'off';
  /** Seconds an exposition is answered again while no total has changed (`QUIPU_METRICS_CACHE_SECONDS`); 0: never. */
  readonly metricsCacheSeconds: number;
  /** Series of one family beyond which the rest is folded into `__other__` (`QUIPU_METRICS_MAX_SERIES`). */
  readonly metricsMaxSeries: number;
  /** Prefix of the metrics about hosts (`QUIPU_METRICS_HOST_PREFIX`). */
  readonly metricsHostPrefix: string;
  /** Upper bounds of `quipu_job_wait_seconds`, s (`QUIPU_JOB_WAIT_BUCKETS`); the same for every process. */
  readonly jobWaitBuckets?: readonly number[];
  /** Upper bounds of `quipu_job_run_seconds`, s (`QUIPU_JOB_RUN_BUCKETS`); the same for every process. */
  readonly jobRunBuckets?: readonly number[];
  /** File with names that have a row of zeros before anything happens (`QUIPU_METRICS_VOCABULARY`). */
  readonly metricsVocabulary?: string;
  /** How callers of the Gnocchi dialect are known (`QUIPU_GNOCCHI_AUTH`); `trust` on loopback only. */
  readonly gnocchiAuth: 'key' | 'trust';
  /** Path below which the Gnocchi dialect is mounted, without a slash at its end (`QUIPU_GNOCCHI_PREFIX`). */
  readonly gnocchiPrefix: string;
  /** Whether an empty archive gets policies and a rule to begin with (`QUIPU_ARCHIVE_DEFAULTS`). */
  readonly archiveDefaults: boolean;
}

const SECRET_VARIABLES = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'QUIPU_SUPERADMIN_KEY',
  'QUIPU_METRICS_TOKEN',
]);
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const text = z.string().transform((value) => value.trim());

function wholeNumber(min: number, max: number, fallback: number) {
  const allowed = `a whole number from ${min} to ${max}`;
  return text
    .refine((value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max, allowed)
    .transform(Number)
    .default(fallback);
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `one of ${values.join(', ')}` });
}

/** What fits into an `Authorization` header. */
function secret() {
  return text
    .refine((value) => /^[\x21-\x7e]{1,512}$/.test(value), 'up to 512 printable ASCII characters, no spaces')
    .optional();
}

function url(schemes: readonly string[]) {
  const allowed = `a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return text
    .refine(
      (value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value),
      allowed,
    )
    .optional();
}

/** Comma-separated addresses and networks in CIDR notation. */
function networks() {
  const isNetwork = (each: string): boolean => {
    const [address = '', bits, ...rest] = each.split('/');
    const most = isIP(address) === 6 ? 128 : 32;
    return (
      isIP(address) !== 0 &&
      rest.length === 0 &&
      (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
    );
  };
  return text
    .transform((value) => value.split(',').map((each) => each.trim()))
    .refine((values) => values.every(isNetwork), 'a comma-separated list of addresses and networks')
    .default([]);
}

/**
 * The paths of a configuration as variables, absolute, for programs that run in another working directory than the one
 * they were written for.
 */
export function absolutePaths(config: Config): NodeJS.ProcessEnv {
  const { dataDir, archiveDir, metricsVocabulary } = config;
  return {
    QUIPU_DATA_DIR: dataDir,
    QUIPU_ARCHIVE_DIR: archiveDir,
    ...(metricsVocabulary === undefined ? {} : { QUIPU_METRICS_VOCABULARY: metricsVocabulary }),
  };
}

const MAX_BOUNDS = 40;

/** Upper bounds of a histogram, in seconds to the millisecond. */
function bounds() {
  return text
    .transform((value) => value.split(',').map((each) => each.trim()))
    .refine(
      (parts) =>
        parts.length <= MAX_BOUNDS &&
        parts.every((part, i) => {
          return /^\d{1,9}(\.\d{1,3})?$/.test(part) && Number(part) > Number(parts[i - 1] ?? 0);
        }),
      `up to ${MAX_BOUNDS} ascending numbers of seconds, separated by commas`,
    )
    .transform((parts) => parts.map(Number))
    .optional();
}

const variables = z.object({
  QUIPU_HOME: z.string().optional(),
  QUIPU_DATA_DIR: z.string().optional(),
  QUIPU_ARCHIVE_DIR: z.string().optional(),
  HOST: text.refine((value) => /^[^\s/]+$/.test(value), 'an address or host name').default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535, 8080),
  DATABASE_URL: url(['postgres', 'postgresql']),
  REDIS_URL: url(['redis', 'rediss']),
  QUIPU_SUPERADMIN_KEY: secret(),
  QUIPU_MAX_EVENT_AGE_DAYS: wholeNumber(1, 36_500, 400),
  QUIPU_TENANTS: oneOf(['auto', 'strict']).default('auto'),
  QUIPU_LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
  QUIPU_LAG_WARN_SECONDS: wholeNumber(1, 86_400, 60),
  QUIPU_WORKER_LEASE_SECONDS: wholeNumber(0, 86_400, 60),
  QUIPU_DATABASE_POOL_SIZE: wholeNumber(1, 1_000, 10),
  QUIPU_INGEST_CONCURRENCY: wholeNumber(1, 10_000, 500),
  QUIPU_JOB_LOCK_MS: wholeNumber(200, 600_000, 5_000),
  QUIPU_MAX_QUEUE_LENGTH: wholeNumber(1, 100_000_000, 10_000),
  QUIPU_REQUESTS_PER_KEY: wholeNumber(0, 1_000_000, 500),
  QUIPU_REQUESTS_PER_ADDRESS: wholeNumber(0, 1_000_000, 1_000),
  QUIPU_TRUSTED_PROXIES: networks(),
  QUIPU_SHUTDOWN_SECONDS: wholeNumber(1, 600, 10),
  QUIPU_COMMIT: text.default(''),
  QUIPU_METRICS_TOKEN: secret(),
  QUIPU_METRICS_TRUSTED_CIDR: networks(),
  QUIPU_PUBLIC_METRICS: oneOf(['aggregate', 'full', 'off']).default('aggregate'),
  QUIPU_METRICS_CACHE_SECONDS: wholeNumber(0, 3_600, 5),
  QUIPU_METRICS_MAX_SERIES: wholeNumber(1, 10_000_000, 10_000),
  QUIPU_METRICS_HOST_PREFIX: text
    .refine(
      (value) => /^(?!(quipu|process|nodejs)_)[a-zA-Z_:][a-zA-Z0-9_:]{0,49}$/.test(value),
      'the beginning of a metric name, and none of quipu_, process_, nodejs_, which are taken',
    )
    .default('rm_'),
  QUIPU_METRICS_VOCABULARY: z.string().optional(),
  QUIPU_GNOCCHI_AUTH: oneOf(['key', 'trust']).default('key'),
  QUIPU_GNOCCHI_PREFIX: text
    .refine((value) => /^(\/[A-Za-z0-9_~-]{1,50}){0,5}$/.test(value), 'empty, or a path such as /metric')
    .default(''),
  QUIPU_ARCHIVE_DEFAULTS: oneOf(['on', 'off']).default('on'),
  QUIPU_JOB_WAIT_BUCKETS: bounds(),
  QUIPU_JOB_RUN_BUCKETS: bounds(),
});

/** True for names and addresses that only programs of this machine reach. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * Reads the configuration from `env`. An empty variable counts as unset. The data directory is
 * `QUIPU_DATA_DIR` (against the working directory), else `.quipu` in `QUIPU_HOME` or the working directory; that of
 * archives is `QUIPU_ARCHIVE_DIR`, else `archive` in it.
 * @throws ConfigError with one line per wrong variable: its name, its value and what is allowed.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const set: Record<string, string | undefined> = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(set);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const shown = SECRET_VARIABLES.has(name) ? '(hidden)' : JSON.stringify(set[name]);
      return `${name}=${shown} is not allowed: it must be ${issue.message}.`;
    });
    throw new ConfigError(lines.join('\n'));
  }
  const v = parsed.data;
  if (v.QUIPU_GNOCCHI_AUTH === 'trust' && !isLoopback(v.HOST)) {
    const why = 'only where HOST is a loopback address: with it, a name alone opens everything';
    throw new ConfigError(
      `QUIPU_GNOCCHI_AUTH="trust" is not allowed with HOST=${JSON.stringify(v.HOST)}: ${why}.`,
    );
  }
  const dataDir = v.QUIPU_DATA_DIR ? resolve(v.QUIPU_DATA_DIR) : resolve(v.QUIPU_HOME ?? '.', '.quipu');
  return Object.freeze({
    dataDir,
    archiveDir: resolve(v.QUIPU_ARCHIVE_DIR ?? join(dataDir, 'archive')),
    host: v.HOST,
    port: v.PORT,
    ...(v.DATABASE_URL === undefined ? {} : { databaseUrl: v.DATABASE_URL }),
    ...(v.REDIS_URL === undefined ? {} : { redisUrl: v.REDIS_URL }),
    ...(v.QUIPU_SUPERADMIN_KEY === undefined ? {} : { superadminKey: v.QUIPU_SUPERADMIN_KEY }),
    maxEventAgeDays: v.QUIPU_MAX_EVENT_AGE_DAYS,
    tenants: v.QUIPU_TENANTS,
    logLevel: v.QUIPU_LOG_LEVEL,
    lagWarnSeconds: v.QUIPU_LAG_WARN_SECONDS,
    workerLeaseSeconds: v.QUIPU_WORKER_LEASE_SECONDS,
    databasePoolSize: v.QUIPU_DATABASE_POOL_SIZE,
    ingestConcurrency: v.QUIPU_INGEST_CONCURRENCY,
    jobLockMs: v.QUIPU_JOB_LOCK_MS,
    maxQueueLength: v.QUIPU_MAX_QUEUE_LENGTH,
    requestsPerKey: v.QUIPU_REQUESTS_PER_KEY,
    requestsPerAddress: v.QUIPU_REQUESTS_PER_ADDRESS,
    trustedProxies: v.QUIPU_TRUSTED_PROXIES,
    shutdownSeconds: v.QUIPU_SHUTDOWN_SECONDS,
    commit: v.QUIPU_COMMIT,
    ...(v.QUIPU_METRICS_TOKEN === undefined ? {} : { metricsToken: v.QUIPU_METRICS_TOKEN }),
    metricsTrustedCidr: v.QUIPU_METRICS_TRUSTED_CIDR,
    publicMetrics: v.QUIPU_PUBLIC_METRICS,
    metricsCacheSeconds: v.QUIPU_METRICS_CACHE_SECONDS,
    metricsMaxSeries: v.QUIPU_METRICS_MAX_SERIES,
    metricsHostPrefix: v.QUIPU_METRICS_HOST_PREFIX,
    gnocchiAuth: v.QUIPU_GNOCCHI_AUTH,
    gnocchiPrefix: v.QUIPU_GNOCCHI_PREFIX,
    archiveDefaults: v.QUIPU_ARCHIVE_DEFAULTS === 'on',
    ...(v.QUIPU_JOB_WAIT_BUCKETS === undefined ? {} : { jobWaitBuckets: v.QUIPU_JOB_WAIT_BUCKETS }),
    ...(v.QUIPU_JOB_RUN_BUCKETS === undefined ? {} : { jobRunBuckets: v.QUIPU_JOB_RUN_BUCKETS }),
    ...(v.QUIPU_METRICS_VOCABULARY === undefined
      ? {}
      : { metricsVocabulary: resolve(v.QUIPU_METRICS_VOCABULARY) }),
  });
}
