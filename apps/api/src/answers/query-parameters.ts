import { parseTime, TIME_FORMS, UsageError } from '@quipu/platform';
import { z } from 'zod';
import { ProblemException } from './problem.exception.js';
import { isStorable, quoted } from './storable-text.js';

/** Rows of a page where a request does not say. */
export const DEFAULT_LIMIT = 100;
/** Most rows of a page. */
export const MAX_LIMIT = 1000;

/** Something wrong with one parameter of the query, or one member of the body. */
export interface InputError {
  readonly parameter: string;
  readonly detail: string;
}

/** Text that Postgres can compare and store. */
export const storableText = z
  .string()
  .refine(isStorable, 'holds a NUL character or an unpaired surrogate, which no stored text does');

/** The `limit` of a page. */
export const limitText = z.string().transform((text, context) => {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  context.addIssue({ code: 'custom', message: `is ${quoted(text)}; it is a number from 1 to ${MAX_LIMIT}` });
  return z.NEVER;
});

/** An instant, as ms. @param nowMs what `now` and relative times refer to. */
export function timeText(nowMs: number) {
  return z.string().transform((text, context) => {
    try {
      return parseTime(text, nowMs);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      context.addIssue({ code: 'custom', message: `is ${quoted(text)}, no time; a time is ${TIME_FORMS}` });
      return z.NEVER;
    }
  });
}

/** One of some words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, {
    error: ({ input }) => `is ${quoted(String(input))}; it is one of ${words.join(', ')}`,
  });
}

/**
 * Reads the parameters of a query.
 * @param schema an object of the known parameters, each of them optional or with a default
 * @param raw the query as the HTTP layer parsed it
 * @throws ProblemException (400) that tells everything that is wrong at once: unknown parameters, repeated ones, and
 * each value that cannot be read.
 */
export function readQuery<S extends z.ZodObject>(schema: S, raw: unknown): z.output<S> {
  const known = Object.keys(schema.shape);
  const given = Object.entries((raw ?? {}) as Record<string, unknown>);
  const errors: InputError[] = [];
  // Without a prototype, so that a parameter called `__proto__` is a parameter.
  const values = Object.create(null) as Record<string, string>;
  for (const [name, value] of given) {
    if (!known.includes(name)) errors.push({ parameter: name, detail: 'is unknown' });
    else if (typeof value !== 'string') errors.push({ parameter: name, detail: 'is given more than once' });
    else values[name] = value;
  }
  const parsed = schema.safeParse({ ...values });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      // What is given more than once is not missing.
      if (errors.some(({ parameter }) => parameter === issue.path[0])) continue;
      errors.push({ parameter: issue.path.map(String).join('.'), detail: issue.message });
    }
  }
  if (errors.length > 0 || !parsed.success) throw badQuery(errors, known);
  return parsed.data;
}

/** The refusal of a query for these reasons. @param known every parameter there is, when that is of help. */
export function badQuery(errors: readonly InputError[], known?: readonly string[]): ProblemException {
  const hint = known === undefined ? {} : { hint: parametersHint(known) };
  return new ProblemException(400, sentences(errors), {
    ...hint,
    members: { errors: errors.map(shortened) },
  });
}

function parametersHint(known: readonly string[]): string {
  return known.length === 0 ? 'There are no parameters here.' : `Parameters are ${known.join(', ')}.`;
}

/** Errors as sentences, one for each. */
export function sentences(errors: readonly InputError[]): string {
  return errors
    .slice(0, 20)
    .map(shortened)
    .map(({ parameter, detail }) => `${parameter} ${detail}.`)
    .join(' ');
}

/** A name that a caller made up is echoed, but not at any length. */
function shortened({ parameter, detail }: InputError): InputError {
  return { parameter: parameter.length > 80 ? `${parameter.slice(0, 79)}…` : parameter, detail };
}
