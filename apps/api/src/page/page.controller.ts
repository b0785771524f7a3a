import { KeyStore, type Principal, type Scope, scopeOf, TenantDirectory } from '@quipu/access';
import { DAY_MS } from '@quipu/metering';
import { DepthQueries, StatusQueries, UsageQueries } from '@quipu/read-models';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_CLOCK, type ApiClock } from '../api-tokens.js';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { asksForVersions } from '../gnocchi/gnocchi-paths.js';
import { GnocchiDialect } from '../gnocchi/gnocchi-dialect.js';
import { basicCredentials } from './basic-credentials.js';
import { type PageDepth, type PageModel, type PageUsage, renderNotice, renderPage } from './render-page.js';

/**
 * The status page at `/`. It shows numbers, so it asks who is there, on loopback as well: other people have
 * accounts on that machine. HTTP basic: user `<tenant>/<user>`, password the key. Admins see their tenant,
 * superadmins all.
 */
@Controller()
export class PageController {
  constructor(
    private readonly keys: KeyStore,
    private readonly tenants: TenantDirectory,
    private readonly depths: DepthQueries,
    private readonly usages: UsageQueries,
    private readonly statuses: StatusQueries,
    private readonly crossTenantReads: CrossTenantReads,
    private readonly gnocchi: GnocchiDialect,
    @Inject(API_CLOCK) private readonly clock: ApiClock,
  ) {}

  /** The page; 401 with a challenge without a key, 403 for those who may not see their tenant's numbers. */
  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    // A client of the Gnocchi dialect asks for the versions here, where the dialect is mounted here.
    if (this.gnocchi.isAtRoot && asksForVersions(request.headers.accept)) {
      return this.gnocchi.versions(request, reply);
    }
    const html = reply.header('content-type', 'text/html; charset=utf-8').header('cache-control', 'no-store');
    const credentials = basicCredentials(request.headers.authorization);
    const principal = credentials === null ? null : await this.keys.authenticate(credentials);
    if (principal === null) {
      const how = 'Log in as <tenant>/<user>, for example superadmin/admin, with an API key as the password.';
      return html
        .code(401)
        .header(
          'www-authenticate',
          'Basic realm="Quipu: user is tenant/user, password is an API key", charset="UTF-8"',
        )
        .send(renderNotice('Who is there?', how));
    }
    const scope = scopeOf(principal);
    if (scope === null || scope.kind === 'user' || principal.role === 'scraper') {
      return html
        .code(403)
        .send(
          renderNotice('Not for this key', 'The page shows a whole tenant: it needs the key of an admin.'),
        );
    }
    await this.crossTenantReads.note(principal, scope, 'GET /');
    return html.code(200).send(renderPage(await this.model(principal, scope)));
  }

  private async model(principal: Principal, scope: Scope): Promise<PageModel> {
    const now = this.clock.now();
    const usage = { level: 'nodes' as const, now, groupBy: ['tenant' as const] };
    const [depth, ever, day, status, tenants] = await Promise.all([
      this.depths.depth(scope, now),
      this.usages.usage(scope, usage),
      this.usages.usage(scope, { ...usage, start: now - DAY_MS }),
      this.statuses.read(),
      scope.tenant === null ? this.tenants.list() : [{ id: principal.tenantId, name: principal.tenantName }],
    ]);
    const lastDay = new Map(day.rows.map((row) => [row.group.tenant, row.total]));
    const total = new Map(ever.rows.map((row) => [row.group.tenant, row.total]));
    const depthRows: PageDepth[] = [];
    const usageRows: PageUsage[] = [];
    for (const { id, name } of tenants) {
      const rows = depth.rows.filter((row) => row.tenant === id);
      const sum = (pick: (row: (typeof rows)[number]) => number): number =>
        rows.reduce((n, row) => n + pick(row), 0);
      const ages = rows.flatMap(({ oldestWaitingMs }) => (oldestWaitingMs === null ? [] : [oldestWaitingMs]));
      depthRows.push({
        tenant: name,
        queued: sum((row) => row.queued),
        delayed: sum((row) => row.delayed),
        blocked: sum((row) => row.blocked),
        inProgress: sum((row) => row.inProgress),
        oldestMs: ages.length === 0 ? null : Math.max(...ages),
      });
      if (total.has(id))
        usageRows.push({ tenant: name, lastDay: lastDay.get(id) ?? 0n, total: total.get(id)! });
    }
    const platform = scope.tenant === null;
    const warnings = status.halted === null ? [] : ['The projection is halted: the numbers stand still.'];
    if (depth.fallback !== undefined && platform)
      warnings.push(`Running totals are ${depth.fallback}: depth comes from Postgres.`);
    // How many events wait tells the platform's volume; a tenant is told for how long only.
    const lag = { events: platform ? status.lagEvents : status.lagEvents > 0n ? 1n : 0n, ms: status.lagMs };
    return { asOf: now, depth: depthRows, usage: usageRows, lag, warnings };
  }
}
