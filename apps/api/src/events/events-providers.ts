import { TenantDirectory } from '@quipu/access';
import { EventLog, LogArchive } from '@quipu/event-log';
import { type Clock, type Config, type Logger, noIoSteps } from '@quipu/platform';
import type { Provider } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { EventDoor } from './event-door.js';
import { EventQueue } from './event-queue.js';
import { RefusalCounts } from './refusal-counts.js';

/** What the providers are made of. */
export interface EventsProvidersOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Config;
}

/** What the door for events adds to the module, and where archived parts of the log are. */
export function eventsProviders({
  pool,
  redis,
  redisUrl,
  clock,
  logger,
  config,
}: EventsProvidersOptions): Provider[] {
  const archive = new LogArchive(config.archiveDir);
  const log = new EventLog(pool, noIoSteps, archive);
  const { maxEventAgeDays, maxQueueLength } = config;
  return [
    { provide: LogArchive, useValue: archive },
    { provide: EventLog, useValue: log },
    { provide: RefusalCounts, useFactory: () => new RefusalCounts(redis, clock) },
    { provide: EventQueue, useFactory: () => new EventQueue(redisUrl, maxQueueLength, logger) },
    {
      provide: EventDoor,
      useFactory: (queue: EventQueue, tenants: TenantDirectory, refusals: RefusalCounts) =>
        new EventDoor({ queue, log, tenants, refusals, clock, maxEventAgeDays }),
      inject: [EventQueue, TenantDirectory, RefusalCounts],
    },
  ];
}
