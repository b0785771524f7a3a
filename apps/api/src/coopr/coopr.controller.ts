import {
  KeyStore,
  type Principal,
  type Scope,
  SUPERADMIN_TENANT,
  scopeOf,
  TenantDirectory,
} from '@quipu/access';
import { InvalidTimeRangeError } from '@quipu/platform';
import {
  DepthQueries,
  type EstimatedUsage,
  type UsageFilters,
  EstimatedUsageQueries,
} from '@quipu/read-models';
import { Controller, Get, Inject, Req, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { Freshness } from '../answers/freshness.js';
import { isStorable } from '../answers/storable-text.js';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { plainText, writtenJson } from './coopr-answers.js';
import { CooprErrorFilter } from './coopr-error.filter.js';
import { cooprCaller } from './coopr-principal.js';
import { usageBody } from './usage-body.js';
import {
  firstValues,
  parseFilters,
  parseUsageParameters,
  type RawParameters,
  type UsageParameters,
} from './usage-parameters.js';

/** Most buckets an answer has. */
const MAX_BUCKETS = 100_000;

/** The Coopr dialect: queue depth and node usage (docs/api/coopr.md). Every refusal is plain text. */
@Controller()
@UseFilters(CooprErrorFilter)
export class CooprController {
  constructor(
    private readonly keys: KeyStore,
    private readonly tenants: TenantDirectory,
    private readonly depths: DepthQueries,
    private readonly usages: EstimatedUsageQueries,
    private readonly freshness: Freshness,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** Asks nothing of anybody: for load balancers. */
  @Get('status')
  status(@Res() reply: FastifyReply): FastifyReply {
    return plainText(reply, 200, 'OK\n');
  }

  /** Depth per tenant, keyed by tenant name. */
  @Get('v2/metrics/queues')
  async queues(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const caller = await cooprCaller(this.keys, request.headers);
    if (!caller.ok) return plainText(reply, 401, caller.body);
    const scope = adminScope(caller.principal);
    if (scope === null) return plainText(reply, 403, 'Forbidden to get queue metrics.');
    await this.freshness.waitFor(caller.principal, afterHeader(request));
    const answer = await this.depths.depth(scope, this.clock.now());
    const sums = new Map<string, { queued: number; inProgress: number }>();
    for (const row of answer.rows) {
      const sum = sums.get(row.tenant) ?? { queued: 0, inProgress: 0 };
      sum.queued += row.queued;
      sum.inProgress += row.inProgress;
      sums.set(row.tenant, sum);
    }
    const names = scope.tenant === null ? await this.tenants.list() : [ownTenant(caller.principal)];
    const members = names.map(({ id, name }) => {
      const { queued, inProgress } = sums.get(id) ?? { queued: 0, inProgress: 0 };
      return `${JSON.stringify(name)}:{"queued":${queued},"inProgress":${inProgress},"total":${queued + inProgress}}`;
    });
    await this.crossTenantReads.note(caller.principal, scope, 'GET /v2/metrics/queues');
    return writtenJson(
      reply,
      `{${members.join(',')}}`,
      await this.freshness.headers(caller.principal, answer),
    );
  }

  /** Node-time per bucket. Refusals in the order 401, 405, 403, 400. */
  @Get('v2/metrics/nodes/usage')
  async usage(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const caller = await cooprCaller(this.keys, request.headers);
    if (!caller.ok) return plainText(reply, 401, caller.body);
    const { principal } = caller;
    const raw = firstValues(request.query);
    const asked = raw['tenant'];
    if (asked !== undefined && principal.tenantId !== SUPERADMIN_TENANT) {
      const body = `Getting information about tenant ${asked} not allowed for tenant ${principal.tenantId}`;
      return plainText(reply, 405, body);
    }
    const scope = adminScope(principal);
    if (scope === null) return plainText(reply, 403, 'Forbidden to get node usage metrics.');
    const parsed = parseUsageParameters(raw);
    if (!parsed.ok) return plainText(reply, 400, parsed.body);
    const filters = await this.filters(raw);
    if (filters === null)
      return plainText(reply, 400, 'Incorrect value for a filter: it holds an unpaired surrogate or NUL');
    await this.freshness.waitFor(principal, afterHeader(request));
    let answer: EstimatedUsage;
    try {
      answer = await this.ask(scope, parsed.parameters, filters);
    } catch (error) {
      if (!(error instanceof InvalidTimeRangeError)) throw error;
      const body = `Incorrect value for field groupby: ${raw['groupby']}: more than ${MAX_BUCKETS} intervals, name a later start`;
      return plainText(reply, 400, body);
    }
    await this.crossTenantReads.note(principal, scope, 'GET /v2/metrics/nodes/usage');
    // The body has no room for it: its members are the dialect's.
    if (answer.rows.some(({ estimatedTotal }) => estimatedTotal !== 0n))
      void reply.header('quipu-estimated', 'true');
    const headers = await this.freshness.headers(principal, answer);
    return writtenJson(reply, answerBody(answer, parsed.parameters), headers);
  }

  private async filters(raw: RawParameters): Promise<UsageFilters | null> {
    const filters = parseFilters(raw);
    const asked = raw['tenant'];
    if (filters === null || asked === undefined) return filters;
    if (!isStorable(asked)) return null;
    return { ...filters, tenant: (await this.tenants.findByIdThenName(asked))?.id ?? asked };
  }

  private ask(scope: Scope, parameters: UsageParameters, filters: UsageFilters): Promise<EstimatedUsage> {
    const { start, end, groupby } = parameters;
    return this.usages.usage(scope, {
      level: 'nodes',
      now: this.clock.now(),
      filters,
      maxBuckets: MAX_BUCKETS,
      ...(start === undefined ? {} : { start }),
      ...(end === undefined ? {} : { end }),
      ...(groupby === undefined ? {} : { bucket: groupby }),
    });
  }
}

/** The scope of a principal that may ask for metrics: an admin of its tenant, or a superadmin; else null. */
function adminScope(principal: Principal): Scope | null {
  const asks = principal.role === 'admin' || principal.role === 'superadmin';
  const platform = principal.tenantId === SUPERADMIN_TENANT && principal.role !== 'superadmin';
  return asks && !platform ? scopeOf(principal) : null;
}

function ownTenant(principal: Principal): { id: string; name: string } {
  return { id: principal.tenantId, name: principal.tenantName };
}

function afterHeader(request: FastifyRequest): string | undefined {
  const value = request.headers['quipu-after'];
  return Array.isArray(value) ? value[0] : value;
}

/** Start and end as asked for; where nothing matches, or nothing lies between them, one zero bucket. */
function answerBody(answer: EstimatedUsage, { unit, start: givenStart }: UsageParameters): string {
  const start = answer.start ?? givenStart ?? 0;
  const values = answer.rows[0]?.values ?? [];
  const single = !answer.present || answer.end <= start;
  const buckets = single
    ? [{ time: start, ms: answer.present ? (values[0] ?? 0n) : 0n }]
    : answer.buckets.map(({ start: time }, i) => ({ time, ms: values[i] ?? 0n }));
  return usageBody(start, answer.end, buckets, unit);
}
