import { TenantDirectory } from '@quipu/access';
import { EventLog, LogArchive } from '@quipu/event-log';
import { type Clock, type Config, type Logger, noIoSteps } from '@quipu/platform';
import type { Provider } from '@nestjs/common';
import type { Pool } from 'pg';
import { EventDoor } from './event-door.js';
import { EventQueue } from './event-queue.js';

/** What the providers are made of. */
export interface EventsProvidersOptions {
  readonly pool: Pool;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Config;
}

/** What the door for events adds to the module, and where archived parts of the log are. */
export function eventsProviders({
  pool,
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
    { provide: EventQueue, useFactory: () => new EventQueue(redisUrl, maxQueueLength, logger) },
    {
      provide: EventDoor,
      useFactory: (queue: EventQueue, tenants: TenantDirectory) =>
        new EventDoor({ queue, log, tenants, clock, maxEventAgeDays }),
      inject: [EventQueue, TenantDirectory],
    },
  ];
}
