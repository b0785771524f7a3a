import { TenantDirectory } from '@quipu/access';
import {
  type DepthAnswer,
  type DepthFilters,
  type DepthRow,
  PastQueries,
  QueueQueries,
  type QueuesAnswer,
} from '@quipu/read-models';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { Freshness } from '../answers/freshness.js';
import { listFormat, sendList } from '../answers/list-answer.js';
import { readQuery } from '../answers/query-parameters.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { AsOf } from '../why/as-of.js';
import { Turns } from '../why/turns.js';
import { queueParameters } from './queue-parameters.js';
import { QUEUE_COLUMNS, writeQueue } from './queue-rows.js';

/** `GET /api/queues`: how many jobs wait and run, per tenant and queue, how they flow, and what to think of it. */
@Controller('api/queues')
@Allow('superadmin', 'admin')
export class QueuesController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly queuesNow: QueueQueries,
    private readonly past: PastQueries,
    private readonly asOf: AsOf,
    private readonly turns: Turns,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page, ordered by tenant and queue. Queues without jobs and recent traffic have no row. */
  @Get()
  async queues(
    @Caller() caller: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { principal, scope } = caller;
    const { tenant, queue, asOf, limit, cursor, format } = readQuery(queueParameters, query);
    const question = [tenant ?? null, queue ?? null, asOf ?? null];
    const cursors = new Cursors(['queues', scope.toString(), question]);
    const after = cursors.decode(cursor, ['number', 'string', 'string']);
    // A relative asOf means the instant of the first page on every page.
    const now = Math.min(Number(after?.[0] ?? this.clock.now()), this.clock.now());
    const found = tenant === undefined ? undefined : await findTenant(this.tenants, scope, tenant);
    await this.freshness.waitFor(principal, afterHeader(request));
    const filters = {
      ...(found === undefined ? {} : { tenant: found.id }),
      ...(queue === undefined ? {} : { queue }),
    };
    const answer = await this.ask(caller, filters, asOf, now);
    await this.crossTenantReads.note(principal, scope, 'GET /api/queues', found?.id);
    const behind = [...answer.rows]
      .sort(byPlace)
      .filter(
        (row) => after === null || comparePlace([row.tenant, row.queue], after.slice(1).map(String)) > 0,
      );
    const shown = behind.slice(0, limit);
    const last = behind.length > limit ? shown.at(-1) : undefined;
    // How much was looked at tells the volume of the whole platform.
    const flow =
      'sampled' in answer && scope.kind === 'platform'
        ? { sampled: answer.sampled, reachMs: answer.reachMs }
        : {};
    return sendList(request, reply, listFormat(format, request), {
      about: { asOf: new Date(answer.asOf).toISOString(), ...flow },
      columns: QUEUE_COLUMNS,
      rows: shown.map(writeQueue),
      next: last === undefined ? null : cursors.encode([now, last.tenant, last.queue]),
      headers: await this.freshness.headers(principal, answer),
    });
  }

  private async ask(
    { principal, scope }: Caller,
    filters: DepthFilters,
    asOf: string | undefined,
    now: number,
  ): Promise<DepthAnswer | QueuesAnswer> {
    if (asOf === undefined) return this.queuesNow.queues(scope, this.clock.now(), filters);
    const then = await this.asOf.resolve(principal, asOf, { now, bounded: false });
    return this.turns.take(() => this.past.depth(scope, then.now, filters, then.position));
  }
}

/** The one order of the list: Redis and Postgres need not agree on theirs. */
function byPlace(a: DepthRow, b: DepthRow): number {
  return comparePlace([a.tenant, a.queue], [b.tenant, b.queue]);
}

function comparePlace(a: readonly string[], b: readonly string[]): number {
  const [tenant = '', queue = ''] = a;
  const [otherTenant = '', otherQueue = ''] = b;
  if (tenant !== otherTenant) return tenant < otherTenant ? -1 : 1;
  return queue === otherQueue ? 0 : queue < otherQueue ? -1 : 1;
}
