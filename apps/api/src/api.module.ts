import { AuditTrail, KeyAdministration, KeyStore, TenantDirectory } from '@quipu/access';
import { type Clock, type Config, createPool, createRedis, type Logger } from '@quipu/platform';
import { DepthQueries, READER_SESSION, StatusQueries, TotalsReplica, UsageQueries } from '@quipu/read-models';
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { AuditController } from './admin/audit.controller.js';
import { KeysController } from './admin/keys.controller.js';
import { TenantsController } from './admin/tenants.controller.js';
import { CrossTenantReads } from './answers/cross-tenant-reads.js';
import { Freshness } from './answers/freshness.js';
import { ProblemFilter } from './answers/problem.filter.js';
import { API_CLOCK, API_CONFIG, API_LOGGER } from './api-tokens.js';
import { CooprController } from './coopr/coopr.controller.js';
import { DebusineController } from './debusine/debusine.controller.js';
import { EventsController } from './events/events.controller.js';
import { eventsProviders } from './events/events-providers.js';
import { EntitiesController } from './entities/entities.controller.js';
import { fleetProviders } from './fleet/fleet-providers.js';
import { PoolsController } from './fleet/pools.controller.js';
import { WorkersController } from './fleet/workers.controller.js';
import { gnocchiProviders } from './gnocchi/gnocchi-providers.js';
import { gnocchiControllers } from './gnocchi/gnocchi.controller.js';
import { HealthProbes } from './health/health-probes.js';
import { HealthController } from './health/health.controller.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { metricsProviders } from './metrics/metrics-providers.js';
import { DocsController } from './openapi/docs.controller.js';
import { PageController } from './page/page.controller.js';
import { ProxmoxController } from './proxmox/proxmox.controller.js';
import { proxmoxProviders } from './proxmox/proxmox-providers.js';
import { QueuesController } from './queues/queues.controller.js';
import { UsageController } from './usage/usage.controller.js';
import { WhyController } from './why/why.controller.js';
import { whyProviders } from './why/why-providers.js';

/** What the API is composed of. `databaseUrl` and `redisUrl` are those of the configuration, resolved. */
export interface ApiOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How late the Proxmox dialect refuses who is nobody, ms; 3 s if absent. */
  readonly refusalMs?: number;
}

const POOL = Symbol('POOL');
const REDIS = Symbol('REDIS');
/** Of a Postgres that is away a caller hears within five seconds, whatever it is that does not answer, ms. */
const CONNECT_MS = 4_500;
const HANGS = { busyMs: 1_000, silentMs: 3_000 };
/** A connection that gives no answer for longer than a statement may take, ms, is dead. */
const PATIENCE_MS = 31_000;

/** The API process: dialects, page and health over the read models. It never writes events. */
@Module({})
export class ApiModule implements OnApplicationShutdown {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(REDIS) private readonly redis: Redis,
    private readonly totals: TotalsReplica,
  ) {}

  /** Composes the module for one process. */
  static of(options: ApiOptions): DynamicModule {
    const { config, databaseUrl, redisUrl, clock, logger, refusalMs } = options;
    const pool = createPool(databaseUrl, {
      max: config.databasePoolSize,
      applicationName: 'quipu-api',
      session: READER_SESSION,
      answerMs: PATIENCE_MS,
      connectMs: CONNECT_MS,
      hangs: HANGS,
    });
    const redis = createRedis(redisUrl, 'plain', 'quipu-api');
    const provide = <T>(token: abstract new (...args: never[]) => T, value: T) => ({
      provide: token,
      useValue: value,
    });
    return {
      module: ApiModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [
        HealthController,
        PageController,
        CooprController,
        UsageController,
        QueuesController,
        TenantsController,
        KeysController,
        AuditController,
        DocsController,
        EventsController,
        EntitiesController,
        WorkersController,
        PoolsController,
        WhyController,
        ...gnocchiControllers(config.gnocchiPrefix),
        DebusineController,
        MetricsController,
        ProxmoxController,
      ],
      providers: [
        { provide: POOL, useValue: pool },
        { provide: REDIS, useValue: redis },
        { provide: API_CLOCK, useValue: clock },
        { provide: API_LOGGER, useValue: logger },
        { provide: API_CONFIG, useValue: config },
        provide(KeyStore, new KeyStore(pool, clock)),
        provide(TenantDirectory, new TenantDirectory(pool, clock)),
        provide(KeyAdministration, new KeyAdministration(pool, clock)),
        provide(AuditTrail, new AuditTrail(pool)),
        provide(DepthQueries, new DepthQueries(pool, redis)),
        provide(UsageQueries, new UsageQueries(pool)),
        provide(StatusQueries, new StatusQueries(pool)),
        provide(Freshness, new Freshness(pool)),
        provide(CrossTenantReads, new CrossTenantReads({ pool, clock, logger })),
        provide(
          HealthProbes,
          new HealthProbes({ pool, redis, clock, lagWarnSeconds: config.lagWarnSeconds }),
        ),
        ...metricsProviders({ pool, redis, clock, config }),
        ...proxmoxProviders({ redis, clock, ...(refusalMs === undefined ? {} : { refusalMs }) }),
        ...whyProviders(pool),
        ...gnocchiProviders({ pool, redis, redisUrl, clock, logger, config }),
        ...fleetProviders(pool),
        ...eventsProviders({ pool, redis, redisUrl, clock, logger, config }),
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    this.totals.stop();
    this.redis.disconnect();
    await this.pool.end();
  }
}
