import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  NotFoundException,
} from '@nestjs/common';
import { ArchivedPositionError, ArchiveUnavailableError } from '@quipu/event-log';
import { classifyPgError, QuipuError } from '@quipu/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_LOGGER, type ApiLogger } from '../api-tokens.js';
import { answeredByRouter } from '../coopr/coopr-answers.js';
import { refusedMethod } from '../debusine/wrong-method.js';
import { envelopeOf, refuse } from '../proxmox/proxmox-answers.js';
import { NotYetError } from './freshness.js';
import { ProblemException } from './problem.exception.js';

/** An RFC 9457 problem document. */
interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly hint?: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  406: 'Not acceptable',
  409: 'Conflict',
  413: 'Content too large',
  414: 'URI too long',
  415: 'Unsupported media type',
  422: 'Unprocessable content',
  429: 'Too many requests',
  503: 'Service unavailable',
};

/**
 * Turns every error of our own routes into a problem document (RFC 9457). What is not meant for a caller is logged and
 * answered as a plain 500: no stack trace and no internal text ever leaves the process.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(API_LOGGER) private readonly logger: ApiLogger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error instanceof HttpException && isTerminus(error)) {
      return void reply.code(error.getStatus()).send(error.getResponse());
    }
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const { url, originalUrl } = request;
    if (error instanceof NotFoundException && answeredByRouter(originalUrl, reply)) return;
    if (error instanceof NotFoundException && refusedMethod(request, reply)) return;
    const problem = this.problemOf(error);
    const envelope = envelopeOf(url);
    if (envelope !== null) return void refuse(reply, envelope, problem.status, problem.detail);
    const { headers, members } = error instanceof ProblemException ? error.extra : {};
    if (problem.status === 503) void reply.header('retry-after', '5');
    void reply
      .code(problem.status)
      .headers(headers ?? {})
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify({ ...problem, ...members }));
  }

  private problemOf(error: unknown): Problem {
    if (error instanceof ProblemException) return problem(error.getStatus(), error.message, error.extra.hint);
    if (error instanceof HttpException) return problem(error.getStatus(), error.message);
    const status = statusOf(error);
    if (status !== null) return problem(status, TITLES[status] ?? 'The request cannot be answered.');
    // Names and positions of archives are the platform's: a tenant learns what it can do, the log the rest.
    if (error instanceof ArchivedPositionError) {
      return problem(400, 'What the ledger said at that time is archived.', 'Ask as of a later time.');
    }
    if (error instanceof ArchiveUnavailableError) {
      this.logger.error({ err: error }, 'a question needs an archive that cannot be read');
      return problem(503, 'A part of the log that this needs is archived, and cannot be read now.');
    }
    if (error instanceof NotYetError) return problem(503, error.message, error.hint);
    if (classifyPgError(error) === 'retry') {
      this.logger.warn({ err: error }, 'a question could not be answered: a store is away');
      return problem(503, 'The database does not answer.', 'Ask again in a moment.');
    }
    if (error instanceof QuipuError) return problem(error.retryable ? 503 : 400, error.message, error.hint);
    this.logger.error({ err: error }, 'a question could not be answered');
    return problem(500, 'The server failed to answer; its log says why.');
  }
}

function problem(status: number, detail: string, hint?: string): Problem {
  const title = TITLES[status] ?? (status < 500 ? 'Bad request' : 'Internal server error');
  return { type: 'about:blank', title, status, detail, ...(hint === undefined ? {} : { hint }) };
}

/** Terminus answers its own JSON, as health checkers expect it. */
function isTerminus(error: HttpException): boolean {
  const response = error.getResponse();
  return typeof response === 'object' && 'details' in response;
}

/** The status of an error that the HTTP layer itself raised (headers or body it cannot read). */
function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : null;
}
