import { KeyStore, TenantDirectory } from '@quipu/access';
import type { Clock, Config } from '@quipu/platform';
import { CounterMarks, TotalsReplica } from '@quipu/read-models';
import type { Provider } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { RefusalCounts } from '../events/refusal-counts.js';
import { VERSION } from '../version.js';
import { Expositions } from './expositions.js';
import { MetricsGate } from './metrics-gate.js';
import { OperationalFamilies } from './operational-families.js';
import { NO_VOCABULARY, readVocabulary } from './vocabulary.js';

/** What the providers are made of. */
export interface MetricsProvidersOptions {
  readonly pool: Pool;
  readonly redis: Redis;
  readonly clock: Clock;
  readonly config: Config;
}

/** What both metrics dialects add to the module. @throws ConfigError for a vocabulary that cannot be read. */
export function metricsProviders({ pool, redis, clock, config }: MetricsProvidersOptions): Provider[] {
  const replica = new TotalsReplica(pool, redis);
  const marks = new CounterMarks(redis);
  const { metricsVocabulary: file } = config;
  const vocabulary = file === undefined ? NO_VOCABULARY : readVocabulary(file);
  const build = { version: VERSION, commit: config.commit };
  return [
    { provide: TotalsReplica, useValue: replica },
    {
      provide: MetricsGate,
      useFactory: (keys: KeyStore) =>
        new MetricsGate({ token: config.metricsToken, trusted: config.metricsTrustedCidr, keys }),
      inject: [KeyStore],
    },
    {
      provide: Expositions,
      useFactory: (tenants: TenantDirectory, refusals: RefusalCounts) =>
        new Expositions({
          ...{ replica, marks, tenants, clock, vocabulary },
          operational: new OperationalFamilies({ pool, redis, refusals, build }),
          cacheSeconds: config.metricsCacheSeconds,
          budget: config.metricsMaxSeries,
          hostPrefix: config.metricsHostPrefix,
        }),
      inject: [TenantDirectory, RefusalCounts],
    },
  ];
}
