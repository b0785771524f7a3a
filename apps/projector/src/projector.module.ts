import { type DynamicModule, Module } from '@nestjs/common';
import { TenantDirectory } from '@quipu/access';
import { EventLog, LogArchive } from '@quipu/event-log';
import { createLedgerRunner } from '@quipu/ledger';
import {
  createIoSteps,
  createPool,
  createRedis,
  type IoSteps,
  type Logger,
  systemClock,
  WRITER_SESSION,
} from '@quipu/platform';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { Ingest } from './ingest/ingest.js';
import { measuresProviders } from './measures/measures.providers.js';
import type { ProjectorConfig } from './projector-config.js';
import { ProjectorLifecycle } from './projector.lifecycle.js';
import { samplerProviders } from './sampler/sampler.providers.js';
import { sweeperProviders } from './sweeper/sweeper.providers.js';
import { IO_STEPS, LEDGER_RUNNER, LOG_POOL, TOTALS_REDIS } from './tokens.js';

/** The projector: the ingest, which appends what the queue brings, and the runner of the ledger projection. */
@Module({})
export class ProjectorModule {
  /** Composes the process from its configuration; nothing connects before the application starts. */
  static create(config: ProjectorConfig, logger: Logger): DynamicModule {
    return {
      module: ProjectorModule,
      providers: [
        { provide: IO_STEPS, useFactory: () => createIoSteps() },
        {
          provide: LOG_POOL,
          useFactory: () =>
            createPool(config.databaseUrl, {
              applicationName: 'quipu-projector',
              max: config.databasePoolSize,
              session: WRITER_SESSION,
            }),
        },
        {
          provide: TOTALS_REDIS,
          useFactory: () => createRedis(config.redisUrl, 'producer', 'quipu-totals'),
        },
        {
          provide: EventLog,
          inject: [LOG_POOL, IO_STEPS],
          useFactory: (pool: Pool, io: IoSteps) => new EventLog(pool, io, new LogArchive(config.archiveDir)),
        },
        {
          provide: TenantDirectory,
          inject: [LOG_POOL],
          useFactory: (pool: Pool) => new TenantDirectory(pool),
        },
        {
          provide: Ingest,
          inject: [EventLog, TenantDirectory, IO_STEPS],
          useFactory: (log: EventLog, tenants: TenantDirectory, io: IoSteps) =>
            new Ingest({
              redisUrl: config.redisUrl,
              log,
              tenants,
              tenantMode: config.tenants,
              maxEventAgeDays: config.maxEventAgeDays,
              concurrency: config.ingestConcurrency,
              lockMs: config.jobLockMs,
              clock: systemClock,
              logger,
              io,
            }),
        },
        {
          provide: LEDGER_RUNNER,
          inject: [EventLog, TOTALS_REDIS, IO_STEPS],
          useFactory: (log: EventLog, redis: Redis, io: IoSteps) =>
            createLedgerRunner({
              databaseUrl: config.databaseUrl,
              redis,
              log,
              clock: systemClock,
              logger,
              io,
            }),
        },
        ...measuresProviders(config, logger),
        ...samplerProviders(config, logger),
        ...sweeperProviders(config, logger),
        ProjectorLifecycle,
      ],
    };
  }
}
