import { TenantDirectory } from '@quipu/access';
import { PoolQueries } from '@quipu/read-models';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { Freshness } from '../answers/freshness.js';
import { listFormat, sendList } from '../answers/list-answer.js';
import { badQuery, readQuery } from '../answers/query-parameters.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { iso } from '../why/why-rows.js';
import { DEFAULT_POOL_START, poolsParameters } from './fleet-parameters.js';
import { POOL_COLUMNS, writePool } from './pool-rows.js';

/** `GET /api/pools`: what pools of workers do now, and what their slots did over a window. */
@Controller('api/pools')
@Allow('superadmin', 'admin')
export class PoolsController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly pools: PoolQueries,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page, ordered by tenant and pool. The first page decides what "now" is for the windows of all that follow. */
  @Get()
  async list(
    @Caller() { principal, scope }: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const asked = readQuery(poolsParameters(this.clock.now()), query);
    const { start: askedStart, end: askedEnd } = query as { start?: string; end?: string };
    const question = [asked.tenant ?? null, asked.pool ?? null, askedStart ?? null, askedEnd ?? null];
    const cursors = new Cursors(['pools', scope.toString(), question]);
    const place = cursors.decode(asked.cursor, ['number', 'string', 'string']);
    const now = Math.min(Number(place?.[0] ?? this.clock.now()), this.clock.now());
    const whole = readQuery(poolsParameters(now), { start: DEFAULT_POOL_START, ...(query as object) });
    const { tenant, pool, start, end, limit, format } = whole;
    if (end !== undefined && start !== undefined && end < start) {
      throw badQuery([{ parameter: 'end', detail: 'lies before start' }]);
    }
    const found = tenant === undefined ? undefined : await findTenant(this.tenants, scope, tenant);
    await this.freshness.waitFor(principal, afterHeader(request));
    const answer = await this.pools.pools(scope, {
      ...{ now, start: Math.min(start ?? now, end ?? now) },
      ...(end === undefined ? {} : { end }),
      ...(found === undefined ? {} : { tenant: found.id }),
      ...(pool === undefined ? {} : { pool }),
    });
    await this.crossTenantReads.note(principal, scope, 'GET /api/pools', found?.id);
    const after = place === null ? null : place.slice(1).map(String);
    const behind = answer.rows.filter((row) => after === null || isAfter([row.tenant, row.pool], after));
    const shown = behind.slice(0, limit);
    const last = behind.length > limit ? shown.at(-1) : undefined;
    return sendList(request, reply, listFormat(format, request), {
      about: { asOf: iso(answer.asOf), start: iso(answer.start), end: iso(answer.end) },
      columns: POOL_COLUMNS,
      rows: shown.map(writePool),
      next: last === undefined ? null : cursors.encode([now, last.tenant, last.pool]),
      headers: await this.freshness.headers(principal, answer),
    });
  }
}

function isAfter([tenant = '', pool = '']: readonly string[], [t = '', p = '']: readonly string[]): boolean {
  return tenant === t ? pool > p : tenant > t;
}
