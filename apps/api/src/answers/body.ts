import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ProblemException } from './problem.exception.js';
import { type InputError, sentences } from './query-parameters.js';
import { isStorable } from './storable-text.js';

/** A text without control characters, of 1 to `max` characters: what people and headers can carry. */
export function lineOfText(max: number) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'is no text') })
    .min(1, 'is empty')
    .max(max, `is longer than ${max} characters`)
    .refine((text) => text === '' || text.trim() !== '', 'is blank')
    .refine((text) => isStorable(text) && !/\p{Cc}/u.test(text), 'holds control characters or broken text');
}

/**
 * Reads the members of a JSON body.
 * @param schema an object of the known members
 * @throws ProblemException: 415 if the body is no JSON, 422 that tells everything that is wrong at once.
 */
export function readBody<S extends z.ZodObject>(schema: S, request: FastifyRequest): z.output<S> {
  const { body } = request;
  const type = request.headers['content-type'];
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new ProblemException(415, 'The body is not JSON.', {
      hint: 'Send Content-Type: application/json.',
    });
  }
  const known = Object.keys(schema.shape);
  if (body !== undefined && body !== null && !isPlainObject(body)) {
    throw invalid([{ parameter: 'body', detail: 'is no JSON object' }], known);
  }
  const given = Object.entries(body ?? {});
  const errors: InputError[] = given
    .filter(([name]) => !known.includes(name))
    .map(([parameter]) => ({ parameter, detail: 'is unknown' }));
  const parsed = schema.safeParse(Object.fromEntries(given.filter(([name]) => known.includes(name))));
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      errors.push({ parameter: path.map(String).join('.'), detail: message });
    }
  }
  if (errors.length > 0 || !parsed.success) throw invalid(errors, known);
  return parsed.data;
}

function invalid(errors: readonly InputError[], known: readonly string[]): ProblemException {
  return new ProblemException(422, sentences(errors), {
    hint: `Members are ${known.join(', ')}.`,
    members: {
      errors: errors.slice(0, 20).map((error) => ({ ...error, parameter: error.parameter.slice(0, 80) })),
    },
  });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
