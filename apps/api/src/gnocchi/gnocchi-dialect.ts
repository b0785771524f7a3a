import type { KeyStore } from '@quipu/access';
import { CatalogueError, type CatalogueRefusal } from '@quipu/archive';
import { classifyPgError } from '@quipu/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CrossTenantReads } from '../answers/cross-tenant-reads.js';
import { ProblemException } from '../answers/problem.exception.js';
import type { ApiLogger } from '../api-tokens.js';
import { BodyBudget } from '../events/body-budget.js';
import { acceptsJson, errorBody } from './forms/error-body.js';
import { GnocchiError } from './forms/gnocchi-error.js';
import { writeJson } from './forms/plain-value.js';
import type { GnocchiArchive } from './gnocchi-archive.js';
import { type GnocchiAnswer, GnocchiCall } from './gnocchi-call.js';
import { type GnocchiAuth, type GnocchiCaller, gnocchiCaller } from './gnocchi-caller.js';
import { findRoute } from './gnocchi-routes.js';
import { versionsDocument } from './handlers/root.js';
import { Query } from './input/query.js';

/** Bytes of bodies that one process holds at once. */
const BODIES_BYTES = 128 * 1024 * 1024;
/** Longest that a client may take to receive an answer that is counted, ms. */
const LONGEST_SENDING_MS = 300_000;
/** The version that is served, the first part of every path. */
export const GNOCCHI_VERSION_PATH = '/v1';

const STATUS: Readonly<Record<CatalogueRefusal, number>> = {
  'no-such-policy': 404,
  'policy-exists': 409,
  'policy-in-use': 400,
  'policy-unchangeable': 400,
  'no-such-rule': 404,
  'rule-exists': 409,
  'rule-unchangeable': 400,
  'no-such-metric': 404,
  'metric-exists': 409,
  'too-many-metrics': 400,
  'no-such-resource': 404,
  'resource-exists': 409,
  'invalid-page': 400,
};

/** What the dialect works with. */
export interface GnocchiDialectOptions {
  readonly archive: GnocchiArchive;
  readonly keys: KeyStore;
  readonly auth: GnocchiAuth;
  /** Where it is mounted: empty, or a path without a slash at its end. */
  readonly prefix: string;
  readonly crossTenantReads: CrossTenantReads;
  readonly logger: ApiLogger;
  /** Makes the archive ready; called before the first request, again when it failed. */
  readonly prepare: () => Promise<void>;
}

/** The Gnocchi dialect (docs/api/gnocchi.md): finds the route, knows the caller, and writes answers and refusals. */
export class GnocchiDialect {
  private readonly budget = new BodyBudget(BODIES_BYTES);

  private prepared: Promise<void> | null = null;

  constructor(private readonly options: GnocchiDialectOptions) {}

  /** True if it is mounted where the server's own page is. */
  get isAtRoot(): boolean {
    return this.options.prefix === '';
  }

  /** Answers a request below the version's path. */
  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      return send(reply, await this.answer(request));
    } catch (error) {
      return this.refuse(request, reply, error);
    }
  }

  /** Answers at the root. */
  versions(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    return send(reply, { status: 200, value: versionsDocument(this.base(request)) });
  }

  /** Answers that the server is there. */
  health(reply: FastifyReply): FastifyReply {
    return reply.code(200).header('content-type', 'text/plain; charset=UTF-8').send('');
  }

  private async answer(request: FastifyRequest): Promise<GnocchiAnswer> {
    const [rawPath = '', rawQuery = ''] = splitOnce(request.url, '?');
    const path = decoded(rawPath).slice(this.options.prefix.length);
    const base = this.base(request);
    if (path === GNOCCHI_VERSION_PATH) return { status: 302, headers: { location: `${base}/` } };
    const found = findRoute(path.slice(GNOCCHI_VERSION_PATH.length));
    if (found === null) throw new GnocchiError(404, null);
    const { route, names } = found;
    if (request.method === 'OPTIONS') return { status: 200 };
    const handler = Object.hasOwn(route.methods, request.method) ? route.methods[request.method] : undefined;
    const { archive, keys, auth, crossTenantReads } = this.options;
    const prepared = async (): Promise<[GnocchiCaller | null, GnocchiCall]> => {
      const { authorization } = request.headers;
      const caller = route.isOpen === true ? null : await gnocchiCaller(keys, auth, authorization);
      await (this.prepared ??= this.prepare());
      if (!names.every(storable)) throw new GnocchiError(404, null);
      return [caller, new GnocchiCall(request, names, new Query(rawQuery), base, caller, this.budget)];
    };
    const isAcceptable = request.method === 'DELETE' || acceptsJson(request.headers.accept);
    if (handler === undefined || !isAcceptable) {
      if (route.find !== undefined) await route.find(archive, (await prepared())[1]);
      if (handler !== undefined) throw new GnocchiError(406, '');
      throw new GnocchiError(405, '', { allow: Object.keys(route.methods).join(', ') });
    }
    const [caller, call] = await prepared();
    const answer = await handler(archive, call);
    if (caller !== null && request.method === 'GET') {
      try {
        await crossTenantReads.note(caller.principal, caller.scope, `GET /v1/${route.path}`);
      } catch (error) {
        answer.release?.();
        throw error;
      }
    }
    return answer;
  }

  private async prepare(): Promise<void> {
    try {
      await this.options.prepare();
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  private base(request: FastifyRequest): string {
    return `${request.protocol}://${request.host}${this.options.prefix}${GNOCCHI_VERSION_PATH}`;
  }

  private refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
    return sendRefusal(request, reply, this.refusalOf(error));
  }

  private refusalOf(error: unknown): GnocchiError {
    const { logger } = this.options;
    if (error instanceof GnocchiError) return error;
    if (error instanceof CatalogueError) return new GnocchiError(STATUS[error.refusal], error.message);
    if (error instanceof ProblemException) {
      return new GnocchiError(error.getStatus(), error.message, error.extra.headers);
    }
    if (classifyPgError(error) === 'retry') {
      logger.warn({ err: error }, 'the archive could not answer: a store is away');
      return new GnocchiError(503, 'The database does not answer', { 'retry-after': '5' });
    }
    logger.error({ err: error }, 'the archive could not answer');
    return new GnocchiError(500, '');
  }
}

/** Answers a refusal as the client accepts it. */
export function sendRefusal(
  request: Pick<FastifyRequest, 'method' | 'headers'>,
  reply: FastifyReply,
  { status, detail, headers }: GnocchiError,
): FastifyReply {
  const { accept, 'content-type': contentType } = request.headers;
  const body = errorBody(status, detail, { method: request.method, accept, contentType });
  return reply
    .code(status)
    .headers(headers)
    .header('content-type', body.contentType)
    .send(Buffer.from(body.text));
}

function send(
  reply: FastifyReply,
  { status, value, json, headers = {}, release }: GnocchiAnswer,
): FastifyReply {
  if (release !== undefined) {
    if (reply.raw.destroyed) release();
    else {
      const tooLong = setTimeout(() => reply.raw.destroy(), LONGEST_SENDING_MS).unref();
      reply.raw.once('close', () => {
        clearTimeout(tooLong);
        release();
      });
    }
  }
  void reply.code(status).headers(headers);
  if (status === 204 || status === 304) return reply.send();
  // Bytes, since a charset would be added to the type of a text.
  const text = json ?? (value === undefined ? '' : writeJson(value));
  const body = typeof text === 'string' ? Buffer.from(text) : text;
  return reply.header('content-type', 'application/json').send(body);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new GnocchiError(404, null);
  }
}

function storable(text: string): boolean {
  return !text.includes('\0') && !/[\uD800-\uDFFF]/u.test(text);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
