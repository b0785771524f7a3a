import { KeyStore } from '@quipu/access';
import { ArchiveMetrics, ArchivePolicies, ArchiveResources, ArchiveRules } from '@quipu/archive';
import type { Clock, Config, Logger } from '@quipu/platform';
import type { Provider } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { ArchiveSeries } from './archive-series.js';
import { MeasuresJson } from './forms/measures-json.js';
import { GnocchiDialect } from './gnocchi-dialect.js';
import { MeasuresQueue } from './measures-queue.js';

/** What the providers are made of. */
export interface GnocchiProvidersOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Config;
}

/** What the Gnocchi dialect adds to the module. */
export function gnocchiProviders(options: GnocchiProvidersOptions): Provider[] {
  const { pool, redis, redisUrl, clock, logger, config } = options;
  const policies = new ArchivePolicies(pool);
  const catalogue = {
    policies,
    rules: new ArchiveRules(pool),
    metrics: new ArchiveMetrics(pool),
    resources: new ArchiveResources(pool),
    series: new ArchiveSeries({ pool, redis, clock, logger }),
    answers: new MeasuresJson(),
    clock,
  };
  return [
    { provide: MeasuresQueue, useFactory: () => new MeasuresQueue(redisUrl, config.maxQueueLength, logger) },
    {
      provide: GnocchiDialect,
      useFactory: (intake: MeasuresQueue, keys: KeyStore, crossTenantReads: CrossTenantReads) =>
        new GnocchiDialect({
          ...{ archive: { ...catalogue, intake }, keys, crossTenantReads, logger },
          ...{ auth: config.gnocchiAuth, prefix: config.gnocchiPrefix },
          prepare: config.archiveDefaults ? () => policies.installDefaults() : () => Promise.resolve(),
        }),
      inject: [MeasuresQueue, KeyStore, CrossTenantReads],
    },
  ];
}
