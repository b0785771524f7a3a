import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import { classifyPgError, QuipuError } from '@quipu/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_LOGGER, type ApiLogger } from '../api-tokens.js';
import { envelopeOf, refuse } from './proxmox-answers.js';

/** Turns whatever a handler could not answer into a refusal of the dialect: never a stack trace, never a detail. */
@Catch()
export class ProxmoxErrorFilter implements ExceptionFilter {
  constructor(@Inject(API_LOGGER) private readonly logger: ApiLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const envelope = envelopeOf(host.switchToHttp().getRequest<FastifyRequest>().url) ?? 'json';
    if (error instanceof HttpException) {
      return void refuse(reply, envelope, error.getStatus(), error.message);
    }
    if (classifyPgError(error) === 'retry' || (error instanceof QuipuError && error.retryable)) {
      this.logger.warn({ err: error }, 'points could not be answered: a store is away');
      return void refuse(
        reply.header('retry-after', '10'),
        envelope,
        503,
        'a store is away, ask again later',
      );
    }
    this.logger.error({ err: error }, 'points could not be answered');
    return void refuse(reply, envelope, 500, 'the server failed to answer, its log says why');
  }
}
