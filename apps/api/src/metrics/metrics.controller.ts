import { negotiateFormat } from '@quipu/exposition';
import { Controller, Get, Inject, NotFoundException, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { ProblemException } from '../answers/problem.exception.js';
import { API_LOGGER, type ApiLogger } from '../api-tokens.js';
import { bearerSecret } from '../auth/bearer-secret.js';
import { Expositions } from './expositions.js';
import { MetricsGate } from './metrics-gate.js';
import { viewOf } from './metrics-view.js';
import { sendExposition } from './send-exposition.js';

/** `GET /metrics`: restic-manager's metrics, our own, and those of this process (docs/api/metrics.md). */
@Controller()
export class MetricsController {
  constructor(
    private readonly gate: MetricsGate,
    private readonly expositions: Expositions,
    private readonly crossTenantReads: CrossTenantReads,
    @Inject(API_LOGGER) private readonly logger: ApiLogger,
  ) {}

  /** The exposition; for whoever the gate refuses there is no such route. */
  @Get('metrics')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<FastifyReply> {
    const { authorization } = request.headers;
    const secret = authorization === undefined ? null : (bearerSecret(authorization) ?? '');
    // A key that cannot be looked up is refused like any other: whoever probes learns nothing from an outage.
    const admitted = await this.gate.admit({ address: request.ip, secret }).catch((error: unknown) => {
      this.logger.warn({ err: error }, 'a key for /metrics could not be looked up');
      return null;
    });
    if (admitted === null) throw new NotFoundException(`Cannot ${request.method} ${request.url}`);
    const { format } = request.query as { format?: string | string[] };
    const wanted = negotiateFormat(request.headers.accept, Array.isArray(format) ? format[0] : format);
    if (wanted === null) {
      throw new ProblemException(406, 'There is OpenMetrics and Prometheus text, and neither is accepted.', {
        hint: 'Leave Accept out, or ask with ?format=openmetrics or ?format=prometheus.',
      });
    }
    await this.crossTenantReads.note(admitted.principal, admitted.scope, 'GET /metrics');
    return sendExposition(
      request,
      reply,
      await this.expositions.body('metrics', viewOf(admitted.scope), wanted),
    );
  }
}
