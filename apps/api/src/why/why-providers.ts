import { TenantDirectory } from '@quipu/access';
import { LogArchive } from '@quipu/event-log';
import { EntityQueries, PastQueries, WhyQueries } from '@quipu/read-models';
import { type Provider } from '@nestjs/common';
import type { Pool } from 'pg';
import { Freshness } from '../answers/freshness.js';
import { AsOf } from './as-of.js';
import { Turns } from './turns.js';
import { WhyAsker } from './why-asker.js';
import { WhyExport } from './why-export.js';

/** Questions that read many entities: how many run at once, and how many wait for their turn. */
const AT_ONCE = 2;
const IN_LINE = 8;

/** What reasons and past answers need; `AsOf` and `PastQueries` serve other routes too. */
export function whyProviders(pool: Pool): Provider[] {
  return [
    ...[PastQueries, EntityQueries, WhyQueries].map((Queries) => ({
      provide: Queries,
      useFactory: (archive: LogArchive) => new Queries(pool, archive),
      inject: [LogArchive],
    })),
    {
      provide: WhyExport,
      useFactory: (archive: LogArchive) => new WhyExport(pool, archive),
      inject: [LogArchive],
    },
    { provide: Turns, useValue: new Turns(AT_ONCE, IN_LINE) },
    {
      provide: AsOf,
      useFactory: (past: PastQueries, freshness: Freshness) => new AsOf(past, freshness),
      inject: [PastQueries, Freshness],
    },
    {
      provide: WhyAsker,
      useFactory: (tenants: TenantDirectory, asOf: AsOf, freshness: Freshness) =>
        new WhyAsker(tenants, asOf, freshness),
      inject: [TenantDirectory, AsOf, Freshness],
    },
  ];
}
