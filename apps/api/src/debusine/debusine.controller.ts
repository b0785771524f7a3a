import { KeyStore, TenantDirectory } from '@quipu/access';
import { negotiateFormat } from '@quipu/exposition';
import { TotalsReplica } from '@quipu/read-models';
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { API_CONFIG, type ApiConfig } from '../api-tokens.js';
import { Expositions } from '../metrics/expositions.js';
import type { MetricsView } from '../metrics/metrics-view.js';
import { sendExposition } from '../metrics/send-exposition.js';
import { debusineCaller } from './debusine-caller.js';
import { ServiceStatuses } from './service-status.js';

/** The Debusine dialect: its metrics and its service status (docs/api/metrics.md). Refusals are its JSON. */
@Controller('api/1.0')
export class DebusineController {
  private readonly statuses = new ServiceStatuses();

  constructor(
    private readonly keys: KeyStore,
    private readonly tenants: TenantDirectory,
    private readonly expositions: Expositions,
    private readonly replica: TotalsReplica,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_CONFIG) private readonly config: ApiConfig,
  ) {}

  /** The exposition, in the format that is asked for. */
  @Get('open-metrics')
  async openMetrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const view = await this.admit(request, reply, 'GET /api/1.0/open-metrics/');
    if (view === null) return reply;
    const { format } = request.query as { format?: string | string[] };
    const wanted = negotiateFormat(request.headers.accept, Array.isArray(format) ? format[0] : format);
    if (wanted === null) return refuse(reply, 406, 'Could not satisfy the request Accept header.');
    return sendExposition(request, reply, await this.expositions.body('debusine', view, wanted));
  }

  /** What waits, runs and works, as JSON. */
  @Get('service-status')
  async status(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const view = await this.admit(request, reply, 'GET /api/1.0/service-status/');
    if (view === null) return reply;
    const status = await this.replica.use((totals) => this.statuses.of(totals, view));
    return written(reply.code(200), status);
  }

  private async admit(
    request: FastifyRequest,
    reply: FastifyReply,
    what: string,
  ): Promise<MetricsView | null> {
    const { keys, tenants, config } = this;
    const { publicMetrics } = config;
    const caller = await debusineCaller(request.headers.authorization, { keys, tenants, publicMetrics });
    if (!caller.ok) {
      if (caller.status === 401) void reply.header('www-authenticate', 'Bearer realm="quipu"');
      void refuse(reply, caller.status, caller.detail);
      return null;
    }
    if (caller.by !== null) await this.crossTenantReads.note(caller.by.principal, caller.by.scope, what);
    return caller.view;
  }
}

function refuse(reply: FastifyReply, status: number, detail: string): FastifyReply {
  return written(reply.code(status), { detail });
}

/** As bytes, since Fastify would add a charset to a string's type. */
function written(reply: FastifyReply, body: object): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(body)));
}
