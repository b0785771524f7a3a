import { TenantDirectory } from '@quipu/access';
import {
  type EstimatedUsage,
  EstimatedUsageQueries,
  type EstimatedUsageQuery,
  type UsageFilters,
} from '@quipu/read-models';
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterHeader } from '../answers/after-header.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Cursors } from '../answers/cursor.js';
import { findTenant } from '../answers/find-tenant.js';
import { Freshness } from '../answers/freshness.js';
import { listFormat, sendList } from '../answers/list-answer.js';
import { ProblemException } from '../answers/problem.exception.js';
import { badQuery, readQuery } from '../answers/query-parameters.js';
import { secondsText } from '../answers/seconds-text.js';
import { quoted } from '../answers/storable-text.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { Allow } from '../auth/allow.js';
import { Caller } from '../auth/caller.js';
import { AsOf } from '../why/as-of.js';
import { Turns } from '../why/turns.js';
import { USAGE_FILTERS, type UsageParameters, usageParameters } from './usage-parameters.js';
import { usagePage } from './usage-rows.js';

/** Most buckets of an answer, and most buckets times groups: what one question may take of the memory. */
const MAX_BUCKETS = 10_000;
const MAX_VALUES = 2_000_000;

const UNITS = { nodes: 'node-seconds', waiting: 'job-seconds', running: 'job-seconds' } as const;

/** `GET /api/usage`: a level summed over time, over any window, grouped any way. */
@Controller('api/usage')
@Allow('superadmin', 'admin', 'user')
export class UsageController {
  constructor(
    private readonly tenants: TenantDirectory,
    private readonly usages: EstimatedUsageQueries,
    private readonly asOf: AsOf,
    private readonly turns: Turns,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** One page. The first page decides what "now" is for all that follow. */
  @Get()
  async usage(
    @Caller() caller: Caller,
    @Query() query: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<FastifyReply> {
    const asked = readQuery(usageParameters(this.clock.now()), query);
    const { cursor, limit: _, format: __, start: ___, end: ____, ...question } = asked;
    const { start, end } = query as { start?: string; end?: string };
    const cursors = new Cursors(['usage', caller.scope.toString(), question, start ?? null, end ?? null]);
    const place = cursors.decode(cursor, ['number', 'number', ...asked.by.map(() => 'string' as const)]);
    const [startedAt, bucketStart, ...group] = place ?? [];
    // Relative times and "up to now" mean the instant of the first page on every page; a forged one is not the future.
    const now = Math.min(Number(startedAt ?? this.clock.now()), this.clock.now());
    const parameters = readQuery(usageParameters(now), query);
    await this.freshness.waitFor(caller.principal, afterHeader(request));
    const answer = sinceSomething(await this.ask(caller, parameters, now), parameters.start);
    await this.crossTenantReads.note(caller.principal, caller.scope, 'GET /api/usage', parameters.tenant);
    const after = place === null ? null : { start: Number(bucketStart), group: group.map(String) };
    const page = usagePage(answer, parameters.by, after, parameters.limit);
    const estimated = answer.rows.reduce((sum, row) => sum + row.estimatedTotal, 0n);
    const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
    return sendList(request, reply, listFormat(parameters.format, request), {
      about: {
        level: parameters.level,
        unit: UNITS[parameters.level],
        start: iso(answer.start),
        end: iso(answer.end),
        asOf: iso(answer.asOf),
        by: parameters.by,
        bucket: parameters.bucket ?? null,
        total: secondsText(answer.rows.reduce((sum, row) => sum + row.total, 0n)),
        ...{ estimated: estimated !== 0n, estimatedTotal: secondsText(estimated) },
      },
      columns: ['start', 'end', ...parameters.by, 'value', 'estimated', 'estimatedValue'],
      rows: page.rows,
      next: page.last === null ? null : cursors.encode([now, page.last.start, ...page.last.group]),
      headers: await this.freshness.headers(caller.principal, answer),
    });
  }

  private async ask(
    { principal, scope }: Caller,
    parameters: UsageParameters,
    now: number,
  ): Promise<EstimatedUsage> {
    const { level, by, start, end, bucket, asOf } = parameters;
    if (start !== undefined && end !== undefined && end < start) {
      throw badQuery([{ parameter: 'end', detail: 'lies before start' }]);
    }
    const filters: UsageFilters = {};
    for (const name of USAGE_FILTERS) {
      const value = parameters[name];
      if (value !== undefined) filters[name] = value;
    }
    if (filters.tenant !== undefined)
      filters.tenant = (await findTenant(this.tenants, scope, filters.tenant)).id;
    if (scope.user !== null && filters.user !== undefined && filters.user !== scope.user) {
      throw new ProblemException(404, `There is no user ${quoted(filters.user)}.`, {
        hint: 'A key of role user sees the usage of its own user.',
      });
    }
    const question: EstimatedUsageQuery = {
      ...{ level, now, filters, groupBy: by, maxBuckets: MAX_BUCKETS, maxValues: MAX_VALUES },
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      ...(bucket === undefined ? {} : { bucket }),
    };
    if (asOf === undefined) return this.usages.usage(scope, question);
    const then = await this.asOf.resolve(principal, asOf, { now, bounded: end !== undefined });
    return this.turns.take(() => this.usages.past(scope, { ...question, now: then.now }, then.position));
  }
}

/** An answer whose window ends before anything ever was begins nowhere, unless a start was asked for. */
function sinceSomething(answer: EstimatedUsage, askedStart: number | undefined): EstimatedUsage {
  const before = askedStart === undefined && answer.start !== null && answer.start > answer.end;
  return before ? { ...answer, start: null } : answer;
}
