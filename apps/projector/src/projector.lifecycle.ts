import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { LedgerRunner } from '@quipu/ledger';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { Ingest } from './ingest/ingest.js';
import { LEDGER_RUNNER, LOG_POOL, TOTALS_REDIS } from './tokens.js';

/**
 * Starts and stops what the projector runs. Work ends in `beforeApplicationShutdown`, connections close
 * after it: in one and the same phase the order of modules would decide whether a commit under way still
 * has its connection.
 */
@Injectable()
export class ProjectorLifecycle
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly ingest: Ingest,
    @Inject(LEDGER_RUNNER) private readonly runner: LedgerRunner,
    @Inject(LOG_POOL) private readonly pool: Pool,
    @Inject(TOTALS_REDIS) private readonly redis: Redis,
  ) {}

  onApplicationBootstrap(): void {
    this.runner.start();
    this.ingest.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.ingest.stop();
    await this.runner.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    this.redis.disconnect();
    await this.pool.end();
  }
}
