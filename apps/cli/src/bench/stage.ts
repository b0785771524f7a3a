import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogArchive } from '@quipu/event-log';
import { createPool, createRedis, WRITER_SESSION } from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { type Pool } from 'pg';
import { type Cli } from '../support/cli.js';
import { CommandFailedError } from '../support/exit-codes.js';
import { type CommandProjector, runProjector } from '../support/projector.js';
import { countConsumers, openQueue } from '../support/queue.js';
import { type Services } from '../support/services.js';

/** What all benches share: where they run, and the most memory any projector took. */
export interface BenchContext {
  readonly cli: Cli;
  readonly services: Services;
  /** Factor on all sizes; floors are meant for 1. */
  readonly scale: number;
  readonly say: (what: string) => void;
  readonly memory: { peakBytes: number };
}

/** A throw-away database, a throw-away Redis database and a directory, gone when the work is over. */
export interface Stage {
  readonly services: Services;
  readonly pool: Pool;
  readonly directory: string;
}

/** Runs a bench on a stage of its own. The live data is not touched, not even read. */
export async function onStage<T>(context: BenchContext, work: (stage: Stage) => Promise<T>): Promise<T> {
  const { cli, services } = context;
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const databaseUrl = await throwAwayDatabase(context, closing);
    const redisUrl = await throwAwayRedis(services.redisUrl, closing);
    const directory = await mkdtemp(join(tmpdir(), 'quipu-bench-'));
    closing.push(() => rm(directory, { recursive: true, force: true }));
    await migrate(databaseUrl, cli.logger);
    const pool = createPool(databaseUrl, { applicationName: 'quipu-bench', session: WRITER_SESSION });
    closing.push(() => pool.end());
    const own: Services = {
      ...{ config: services.config, databaseUrl, redisUrl, pool, archive: new LogArchive(directory) },
      onClose: (closer) => closing.push(closer),
    };
    return await work({ services: own, pool, directory });
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Runs a projector on a stage while `work` lasts, and notes how much memory it took at most. */
export async function withProjector<T>(
  context: BenchContext,
  stage: Stage,
  work: (projector: CommandProjector) => Promise<T>,
  env: NodeJS.ProcessEnv = {},
): Promise<T> {
  const closing: (() => Promise<unknown>)[] = [];
  const services: Services = { ...stage.services, onClose: (closer) => closing.push(closer) };
  const projector = runProjector(context.cli, services, env);
  const watch = setInterval(() => notePeak(context, projector.pid), 250);
  try {
    // Ours is measured as it runs: with a projector that is up.
    const queue = await openQueue(services);
    await until(projector, async () => (await countConsumers(queue, services.redisUrl)) > 0);
    return await work(projector);
  } finally {
    notePeak(context, projector.pid);
    clearInterval(watch);
    for (const close of closing.reverse()) await close();
  }
}

function notePeak(context: BenchContext, pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    // The kernel keeps the high-water mark, so looking now and then misses nothing.
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    if (peak) context.memory.peakBytes = Math.max(context.memory.peakBytes, Number(peak[1]) * 1024);
  } catch {
    // Elsewhere than on Linux there is no /proc: the line is left out of the table.
  }
}

async function throwAwayDatabase(
  context: BenchContext,
  closing: (() => Promise<unknown>)[],
): Promise<string> {
  const { pool, databaseUrl } = context.services;
  const name = `quipu_bench_${randomBytes(5).toString('hex')}`;
  try {
    await pool.query(`CREATE DATABASE ${name}`);
  } catch (error) {
    throw new CommandFailedError('The database for the bench cannot be created.', {
      cause: error,
      hint: 'Give the database user CREATEDB, or unset DATABASE_URL to measure on embedded services.',
    });
  }
  closing.push(() => pool.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function throwAwayRedis(redisUrl: string, closing: (() => Promise<unknown>)[]): Promise<string> {
  const url = new URL(redisUrl);
  for (let database = 15; database > 0; database -= 1) {
    url.pathname = `/${database}`;
    const redis = createRedis(url.href, 'plain', 'quipu-bench');
    if ((await redis.dbsize()) === 0) {
      closing.push(async () => {
        await redis.flushdb();
        redis.disconnect();
      });
      return url.href;
    }
    redis.disconnect();
  }
  throw new CommandFailedError('Redis has no empty database left for the bench.', {
    hint: 'It looks for one among 1 to 15; unset REDIS_URL to measure on embedded services.',
  });
}

/** Waits until `done` says so, looking every few milliseconds, while the projector can be kept running. */
export async function until(projector: CommandProjector, done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) {
    projector.broken.throwIfAborted();
    await sleep(5);
  }
}
