import { jest } from '@jest/globals';
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { EventLog } from '@quipu/event-log';
import type { LedgerRunner } from '@quipu/ledger';
import { ConfigError, createLogger, loadConfig } from '@quipu/platform';
import type { Pool } from 'pg';
import { sampleCloudEvent, until } from '../test/sample-job.js';
import { openTestQueue, type TestQueue } from '../test/test-queue.js';
import { projectorConfig } from './projector-config.js';
import { ProjectorModule } from './projector.module.js';
import { LEDGER_RUNNER, LOG_POOL } from './tokens.js';

jest.setTimeout(30_000);

describe('the projector', () => {
  let database: TestQueue['database'];
  let services: TestQueue['services'];
  let queue: TestQueue['queue'];
  let close: TestQueue['close'];

  beforeAll(async () => {
    ({ database, services, queue, close } = await openTestQueue());
  });
  afterAll(() => close());

  /** Redis lists the clients of all its logical databases, and other spec files run beside this one in theirs. */
  async function consumers(): Promise<number> {
    const database = new URL(services.url).pathname.slice(1) || '0';
    return (await queue.getWorkers()).filter((worker) => worker['db'] === database).length;
  }

  it('brings an event from the queue into the ledger and closes without leaving anything open', async () => {
    const config = projectorConfig(loadConfig({ DATABASE_URL: database.url, REDIS_URL: services.url }));
    const app = await NestFactory.createApplicationContext(
      ProjectorModule.create(config, createLogger('test', 'silent')),
      { logger: false, abortOnError: false },
    );
    await queue.add('event', sampleCloudEvent());
    const log = app.get(EventLog);
    await until(async () => (await log.head()).position === 1n);
    await app.get<LedgerRunner>(LEDGER_RUNNER).whenPosition(1n);
    const { rows } = await database.pool.query(`SELECT tenant, kind FROM ledger_1.entities`);
    expect(rows).toContainEqual({ tenant: 'acme', kind: 1 });
    expect(await consumers()).toBe(1);
    const pool = app.get<Pool>(LOG_POOL);
    const { rows: settings } = await pool.query(
      `SELECT name, setting FROM pg_settings
       WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout', 'tcp_keepalives_idle') ORDER BY name`,
    );
    expect(settings.map(({ setting }) => Number(setting))).toEqual([5_000, 10_000, 5]);
    await app.close();
    expect(pool.ended).toBe(true);
    // The server needs a moment to end the sessions that were closed.
    await until(async () => {
      const { rows: sessions } = await database.pool.query(
        `SELECT count(*)::int AS open FROM pg_stat_activity
         WHERE datname = current_database() AND application_name <> 'quipu-test' AND backend_type = 'client backend'`,
      );
      return sessions[0].open === 0;
    });
    // Redis sees the end of a connection some time after its client.
    await until(async () => (await consumers()) === 0);
  });

  it.each([
    ['DATABASE_URL', {}],
    ['REDIS_URL', { DATABASE_URL: 'postgres://localhost/x' }],
  ])('says that %s is missing', (name, env) => {
    expect(() => projectorConfig(loadConfig(env))).toThrow(ConfigError);
    expect(() => projectorConfig(loadConfig(env))).toThrow(name);
  });
});
