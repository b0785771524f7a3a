import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { createRedis, type Logger, systemClock } from '@quipu/platform';
import { GenerationStore, PointTotalsReader } from '@quipu/read-models';
import type { Redis } from 'ioredis';
import type { ProjectorConfig } from '../projector-config.js';
import { procCounts } from './host-counts.js';
import { HostPoints } from './host-points.js';
import { Sampler } from './sampler.js';

const SAMPLER_REDIS = Symbol('sampler redis');

/** Starts and stops the sampler; its connection closes after it. */
@Injectable()
class SamplerLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly sampler: Sampler,
    @Inject(SAMPLER_REDIS) private readonly redis: Redis,
  ) {}

  onApplicationBootstrap(): void {
    this.sampler.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.sampler.stop();
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}

/** What the sampler of points adds to the projector. */
export function samplerProviders(config: ProjectorConfig, logger: Logger): Provider[] {
  return [
    {
      provide: SAMPLER_REDIS,
      useFactory: () => createRedis(config.redisUrl, 'producer', 'quipu-sampler'),
    },
    {
      provide: Sampler,
      inject: [SAMPLER_REDIS],
      useFactory: (redis: Redis) =>
        new Sampler({
          store: new GenerationStore(redis),
          totals: new PointTotalsReader(redis),
          host: new HostPoints({ counts: procCounts(), logger }),
          clock: systemClock,
          logger,
        }),
    },
    SamplerLifecycle,
  ];
}
