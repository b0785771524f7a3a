import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { TENANT_PATTERN } from '@quipu/contracts';
import { type Config, ConfigError } from '@quipu/platform';
import { z } from 'zod';

/** Everything a worker reads from its environment besides the configuration that all programs share. */
export interface WorkerConfig {
  /** Redis of Quipu's queue, which the reports go to (`REDIS_URL`). */
  readonly redisUrl: string;
  /** Redis of the queues it takes its jobs from (`QUIPU_WORKER_JOBS_REDIS_URL`); the same if absent. */
  readonly jobsRedisUrl: string;
  /** BullMQ's prefix of these queues (`QUIPU_WORKER_JOBS_PREFIX`). */
  readonly jobsPrefix: string;
  /** Queues to serve (`QUIPU_WORKER_QUEUES`). */
  readonly queues: readonly string[];
  /** Whose jobs they are, and whose worker and file store (`QUIPU_WORKER_TENANT`). */
  readonly tenant: string;
  /** Name that stays the same after a restart (`QUIPU_WORKER_NAME`); absent: made anew by each process. */
  readonly name?: string;
  /** Pool it belongs to (`QUIPU_WORKER_POOL`). */
  readonly pool?: string;
  /** Kind of worker (`QUIPU_WORKER_TYPE`). */
  readonly type: string;
  /** Host it runs on (`QUIPU_WORKER_HOST`); the host name if absent. */
  readonly host?: string;
  /** Architectures it can work for (`QUIPU_WORKER_ARCHITECTURES`); that of its host if absent. */
  readonly architectures?: readonly string[];
  /** Jobs at a time, per queue (`QUIPU_WORKER_CONCURRENCY`). */
  readonly concurrency: number;
  /** Nodes a job holds unless it says otherwise (`QUIPU_WORKER_NODES`). */
  readonly nodes: number;
  /** A job whose worker was not heard of for so long goes to another, ms (`QUIPU_WORKER_LOCK_MS`). */
  readonly lockMs: number;
  /** Directory that holds everything jobs may name (`QUIPU_WORKER_INPUT_DIR`). */
  readonly inputDir: string;
  /** Directory of the artifacts (`QUIPU_WORKER_FILE_STORE_DIR`). */
  readonly fileStoreDir: string;
  /** What the ledger calls it (`QUIPU_WORKER_FILE_STORE`). */
  readonly fileStore: string;
  /** Most bytes per second that one job reads; 0: any number (`QUIPU_WORKER_BYTES_PER_SECOND`). */
  readonly bytesPerSecond: number;
  /** Seconds to end in after SIGTERM (`QUIPU_SHUTDOWN_SECONDS`). */
  readonly shutdownSeconds: number;
}

const SECRETS = new Set(['QUIPU_WORKER_JOBS_REDIS_URL']);

const text = z.string({ error: 'set' }).transform((value) => value.trim());
const name = text.refine((value) => /^[^\s\p{C}]{1,200}$/u.test(value), '1 to 200 characters without spaces');
const directory = text.refine((value) => value !== '', 'a directory').transform((value) => resolve(value));

/** Comma-separated names. */
function names(allowed: RegExp, what: string) {
  return text
    .transform((value) => [...new Set(value.split(',').map((each) => each.trim()))])
    .refine((values) => values.length <= 100 && values.every((each) => allowed.test(each)), what);
}

function wholeNumber(min: number, max: number, fallback: number) {
  return text
    .refine(
      (value) => /^\d{1,16}$/.test(value) && Number(value) >= min && Number(value) <= max,
      `a whole number from ${min} to ${max}`,
    )
    .transform(Number)
    .default(fallback);
}

const variables = z.object({
  QUIPU_WORKER_TENANT: text.refine((value) => TENANT_PATTERN.test(value), 'a tenant id'),
  QUIPU_WORKER_QUEUES: names(/^[^\s\p{C}:]{1,200}$/u, 'comma-separated names of queues, without colons'),
  QUIPU_WORKER_INPUT_DIR: directory,
  QUIPU_WORKER_FILE_STORE_DIR: directory,
  QUIPU_WORKER_JOBS_REDIS_URL: text
    .refine((value) => /^rediss?:\/\//.test(value) && URL.canParse(value), 'a URL that starts with redis://')
    .optional(),
  QUIPU_WORKER_JOBS_PREFIX: name.default('bull'),
  QUIPU_WORKER_NAME: name.optional(),
  QUIPU_WORKER_POOL: name.optional(),
  QUIPU_WORKER_TYPE: name.default('external'),
  QUIPU_WORKER_HOST: name.optional(),
  QUIPU_WORKER_ARCHITECTURES: names(/^[\w-]{1,50}$/, 'comma-separated names of architectures').optional(),
  QUIPU_WORKER_CONCURRENCY: wholeNumber(1, 1_000, 2),
  QUIPU_WORKER_NODES: wholeNumber(0, 1_000_000, 1),
  QUIPU_WORKER_LOCK_MS: wholeNumber(500, 3_600_000, 10_000),
  QUIPU_WORKER_FILE_STORE: name.default('worker'),
  QUIPU_WORKER_BYTES_PER_SECOND: wholeNumber(0, Number.MAX_SAFE_INTEGER, 0),
});

/**
 * Reads what a worker is to do.
 * @throws ConfigError with one line per wrong variable: its name, its value and what is allowed.
 */
export function workerConfig(shared: Config, env: NodeJS.ProcessEnv = process.env): WorkerConfig {
  const set: Record<string, string | undefined> = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = variables.safeParse(set);
  const lines = (parsed.error?.issues ?? []).map((issue) => {
    const variable = String(issue.path[0]);
    if (set[variable] === undefined) return `${variable} must be set.`;
    const shown = SECRETS.has(variable) ? '(hidden)' : JSON.stringify(set[variable]);
    return `${variable}=${shown} is not allowed: it must be ${issue.message}.`;
  });
  const { QUIPU_WORKER_INPUT_DIR: input, QUIPU_WORKER_FILE_STORE_DIR: store } = parsed.data ?? {};
  if (input !== undefined && store !== undefined && (holds(input, store) || holds(store, input))) {
    lines.push('QUIPU_WORKER_INPUT_DIR and QUIPU_WORKER_FILE_STORE_DIR must not lie within each other.');
  }
  const { redisUrl } = shared;
  if (redisUrl === undefined) lines.unshift('REDIS_URL must be set.');
  if (!parsed.success || redisUrl === undefined || lines.length > 0) {
    throw new ConfigError(lines.join('\n'), { hint: 'docs/worker.md lists what a worker is told.' });
  }
  const v = parsed.data;
  return Object.freeze({
    redisUrl,
    jobsRedisUrl: v.QUIPU_WORKER_JOBS_REDIS_URL ?? redisUrl,
    jobsPrefix: v.QUIPU_WORKER_JOBS_PREFIX,
    queues: v.QUIPU_WORKER_QUEUES,
    tenant: v.QUIPU_WORKER_TENANT,
    ...(v.QUIPU_WORKER_NAME === undefined ? {} : { name: v.QUIPU_WORKER_NAME }),
    ...(v.QUIPU_WORKER_POOL === undefined ? {} : { pool: v.QUIPU_WORKER_POOL }),
    type: v.QUIPU_WORKER_TYPE,
    ...(v.QUIPU_WORKER_HOST === undefined ? {} : { host: v.QUIPU_WORKER_HOST }),
    ...(v.QUIPU_WORKER_ARCHITECTURES === undefined ? {} : { architectures: v.QUIPU_WORKER_ARCHITECTURES }),
    concurrency: v.QUIPU_WORKER_CONCURRENCY,
    nodes: v.QUIPU_WORKER_NODES,
    lockMs: v.QUIPU_WORKER_LOCK_MS,
    inputDir: v.QUIPU_WORKER_INPUT_DIR,
    fileStoreDir: v.QUIPU_WORKER_FILE_STORE_DIR,
    fileStore: v.QUIPU_WORKER_FILE_STORE,
    bytesPerSecond: v.QUIPU_WORKER_BYTES_PER_SECOND,
    shutdownSeconds: shared.shutdownSeconds,
  });
}

/** Whether a directory is another, or lies within it: a job would work on what it is making. */
function holds(outer: string, inner: string): boolean {
  const way = relative(real(outer), real(inner));
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`));
}

/** Where a path leads, whether or not there is something yet. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(real(dirname(path)), basename(path));
  }
}
