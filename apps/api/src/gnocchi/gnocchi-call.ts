import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ProblemException } from '../answers/problem.exception.js';
import type { BodyBudget } from '../events/body-budget.js';
import { readBody } from '../events/read-body.js';
import { GnocchiError } from './forms/gnocchi-error.js';
import type { PlainValue } from './forms/plain-value.js';
import type { GnocchiCaller } from './gnocchi-caller.js';
import { parsePythonJson } from './input/python-json.js';
import type { Query } from './input/query.js';
import { type Schema, validate } from './input/schema.js';

/** Most bytes of a body, and of one that carries measures. */
const MAX_BODY_BYTES = 256 * 1024;
const MAX_MEASURES_BYTES = 16 * 1024 * 1024;

/** What a handler answers. */
export interface GnocchiAnswer {
  readonly status: number;
  /** What is written as JSON. */
  readonly value?: PlainValue;
  /** JSON that is already written. */
  readonly json?: string | Buffer;
  /** Called when it has gone, or will not go. */
  readonly release?: () => void;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request on its way through the dialect. */
export class GnocchiCall {
  /**
   * @param names parts of the path that the route leaves open.
   * @param base where the dialect is, with scheme and host and without a slash at its end: `http://host/v1`.
   */
  constructor(
    readonly request: FastifyRequest,
    readonly names: readonly string[],
    readonly query: Query,
    readonly base: string,
    private readonly known: GnocchiCaller | null,
    private readonly budget: BodyBudget,
  ) {}

  /** Who asks. Routes that serve everybody must not ask. */
  get caller(): GnocchiCaller {
    if (this.known === null) throw new Error('a route that is open asks for its caller');
    return this.known;
  }

  /** The nth open part of the path. */
  name(index = 0): string {
    return this.names[index]!;
  }

  /**
   * Reads and checks the body.
   * @param use what is done with it, while its bytes count.
   * @throws GnocchiError 415, 413, 503, or 400 that says what is wrong with it.
   */
  async body<T>(schema: Schema<T>, { measures = false } = {}): Promise<T> {
    const type = this.request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/json') throw new GnocchiError(415, '');
    const bytes = await this.read(measures ? MAX_MEASURES_BYTES : MAX_BODY_BYTES);
    try {
      return validate(schema, parseBody(bytes));
    } finally {
      this.budget.give(bytes.length);
    }
  }

  private async read(maxBytes: number): Promise<Buffer> {
    const stream = this.request.body as Readable | undefined;
    if (stream === undefined || stream === null) return Buffer.alloc(0);
    const encoding = this.request.headers['content-encoding'];
    try {
      return await readBody(stream, { encoding, maxBytes, budget: this.budget });
    } catch (error) {
      if (!(error instanceof ProblemException)) throw error;
      throw new GnocchiError(error.getStatus(), error.message, error.extra.headers);
    }
  }
}

function parseBody(bytes: Buffer): unknown {
  const text = decoded(bytes);
  if (text.trim() === '') throw undecodable('Expected object or value');
  try {
    return parsePythonJson(text);
  } catch (error) {
    throw undecodable(error instanceof Error ? error.message : String(error));
  }
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Read with a character in place of what is none, it would be another name than the one meant.
    throw undecodable('The body is no UTF-8');
  }
}

function undecodable(reason: string): GnocchiError {
  return new GnocchiError(400, { cause: 'Unable to decode body', reason, detail: [] });
}
