import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { EventLog } from '@quipu/event-log';
import type { IoSteps, Logger } from '@quipu/platform';
import type { ProjectorConfig } from '../projector-config.js';
import { IO_STEPS } from '../tokens.js';
import { Sweeper } from './sweeper.js';

/** The sweeper of this process; null where it is turned off. */
const SWEEPER = Symbol('sweeper');

/** Starts the sweeper with the process, and ends it while the database is still there. */
@Injectable()
class SweeperLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(SWEEPER) private readonly sweeper: Sweeper | null) {}

  onApplicationBootstrap(): void {
    this.sweeper?.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweeper?.stop();
  }
}

/** The sweeper as a part of the projector; nothing of it runs with a lease of 0. */
export function sweeperProviders(config: ProjectorConfig, logger: Logger): Provider[] {
  const { databaseUrl, redisUrl, workerLeaseSeconds } = config;
  return [
    {
      provide: SWEEPER,
      inject: [EventLog, IO_STEPS],
      useFactory: (log: EventLog, io: IoSteps) =>
        workerLeaseSeconds === 0
          ? null
          : new Sweeper({ databaseUrl, redisUrl, log, io, logger, leaseMs: workerLeaseSeconds * 1_000 }),
    },
    SweeperLifecycle,
  ];
}
