import {
  DepthQueries,
  EstimatedUsageQueries,
  PastQueries,
  PoolQueries,
  QueueQueries,
  WorkerQueries,
} from '@quipu/read-models';
import { type Provider } from '@nestjs/common';
import type { Pool } from 'pg';

/** What answers about workers, pools and queues need, and those that tell their estimated part. */
export function fleetProviders(pool: Pool): Provider[] {
  return [
    { provide: PoolQueries, useValue: new PoolQueries(pool) },
    { provide: WorkerQueries, useValue: new WorkerQueries(pool) },
    {
      provide: QueueQueries,
      useFactory: (depths: DepthQueries) => new QueueQueries(pool, depths),
      inject: [DepthQueries],
    },
    {
      provide: EstimatedUsageQueries,
      useFactory: (past: PastQueries) => new EstimatedUsageQueries(pool, past),
      inject: [PastQueries],
    },
  ];
}
