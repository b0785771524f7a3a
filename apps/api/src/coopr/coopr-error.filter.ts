import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import { classifyPgError } from '@quipu/platform';
import type { FastifyReply } from 'fastify';
import { NotYetError, UnknownTokenError } from '../answers/freshness.js';
import { API_LOGGER, type ApiLogger } from '../api-tokens.js';
import { plainText } from './coopr-answers.js';

/** Turns whatever a handler could not answer into the dialect's plain text: never a stack trace, never a detail. */
@Catch()
export class CooprErrorFilter implements ExceptionFilter {
  constructor(@Inject(API_LOGGER) private readonly logger: ApiLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error instanceof UnknownTokenError) return void plainText(reply, 400, error.message);
    if (error instanceof NotYetError) {
      return void plainText(reply.header('retry-after', '1'), 503, error.message);
    }
    if (classifyPgError(error) === 'retry') {
      this.logger.warn({ err: error }, 'a question could not be answered: Postgres is away');
      return void plainText(reply.header('retry-after', '5'), 503, 'Unable to read data from the database');
    }
    this.logger.error({ err: error }, 'a question could not be answered');
    return void plainText(reply, 500, 'Unable to read data from the database');
  }
}
