import {
  type BeforeApplicationShutdown,
  Injectable,
  type OnApplicationBootstrap,
  type Provider,
} from '@nestjs/common';
import { MeasuresWriter } from '@quipu/archive';
import { type IoSteps, type Logger, systemClock } from '@quipu/platform';
import type { Pool } from 'pg';
import type { ProjectorConfig } from '../projector-config.js';
import { IO_STEPS, LOG_POOL } from '../tokens.js';
import { MeasuresConsumer } from './measures-consumer.js';
import { MeasuresUpkeep } from './measures-upkeep.js';

/** Starts and stops the consumer; its pool is closed after it by whoever opened it. */
@Injectable()
class MeasuresLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly consumer: MeasuresConsumer) {}

  onApplicationBootstrap(): void {
    this.consumer.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.consumer.stop();
  }
}

/** What the archive's measures add to the projector. */
export function measuresProviders(config: ProjectorConfig, logger: Logger): Provider[] {
  return [
    {
      provide: MeasuresConsumer,
      inject: [LOG_POOL, IO_STEPS],
      useFactory: (pool: Pool, io: IoSteps) => {
        const writer = new MeasuresWriter({ pool, clock: systemClock, logger, io });
        const upkeep = new MeasuresUpkeep({ pool, writer, clock: systemClock, logger });
        return new MeasuresConsumer({
          ...{ redisUrl: config.redisUrl, writer, upkeep, logger },
          lockMs: config.jobLockMs,
        });
      },
    },
    MeasuresLifecycle,
  ];
}
