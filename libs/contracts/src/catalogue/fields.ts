import { z } from 'zod';
import { TENANT_PATTERN } from '../brand.js';
import * as limit from '../limits.js';
import { formatTimestamp, parseTimestamp } from '../timestamp.js';

/** What docs/events.md says about a field; kept beside its schema, so that the two cannot part. */
export interface FieldDoc {
  /** The allowed values in words, limits included. */
  type: string;
  /** What the value means, and what its absence means. */
  about: string;
  /** Unit of a number. */
  unit?: string;
}

const docs = new WeakMap<z.core.$ZodType, FieldDoc>();

/** What is said about a field of the catalogue; undefined for a schema that is none. */
export function docOf(field: z.core.$ZodType): FieldDoc | undefined {
  return docs.get(field);
}

function optional<S extends z.ZodType>(schema: S, doc: FieldDoc): z.ZodOptional<S> {
  const field = z.optional(schema);
  docs.set(field, doc);
  return field;
}

/** The same field, but it must be there. */
export function required<S extends z.ZodType>(field: z.ZodOptional<S>): S {
  const schema = field.unwrap();
  const doc = docs.get(field);
  if (doc !== undefined) docs.set(schema, doc);
  return schema;
}

/** A name: 1 to 200 characters. Empty is refused, because it would be a second way to say "unknown". */
export const name = (about: string) =>
  optional(z.string().min(1).max(limit.MAX_NAME_LENGTH), { type: 'name', about });

/** The entity of a kind, as its subject without `<kind>/`. */
export const reference = (kind: string, about: string) =>
  optional(z.string().min(1).max(limit.MAX_ATTRIBUTE_LENGTH), {
    type: `subject without \`${kind}/\``,
    about,
  });

/** A scope: a name, or empty for "in no scope"; absent means the tenant. */
export const scope = (about: string) =>
  optional(z.string().max(limit.MAX_NAME_LENGTH), { type: 'name, or empty', about });

/** A text that people read. */
export const text = (about: string) =>
  optional(z.string().max(limit.MAX_TEXT_LENGTH), { type: 'text', about });

/** A tenant id. */
export const tenant = (about: string) =>
  optional(z.string().regex(TENANT_PATTERN, 'expected a tenant id'), { type: 'tenant id', about });

/** Digits in groups of three, by hand: a locale would make the page depend on the machine. */
const grouped = (value: number) =>
  String(value)
    .replace('-', '−')
    .replace(/\B(?=(\d{3})+$)/g, ',');

/** An integer of a range. */
export const integer = (about: string, min: number, max: number, unit?: string) =>
  optional(z.number().int().min(min).max(max), {
    type:
      max === Number.MAX_SAFE_INTEGER
        ? `integer, ${min} or more`
        : `integer, ${grouped(min)} to ${grouped(max)}`,
    about,
    ...(unit === undefined ? {} : { unit }),
  });

/** A count of things or of bytes: an integer that is not negative. */
export const count = (about: string, unit?: string) => integer(about, 0, Number.MAX_SAFE_INTEGER, unit);

/** A duration in seconds, fractions allowed, not negative. */
export const seconds = (about: string) =>
  optional(z.number().min(0), { type: 'number, 0 or more', about, unit: 's' });

/** Yes or no. */
export const flag = (about: string) => optional(z.boolean(), { type: 'boolean', about });

/** One of a closed list of words. */
export const oneOf = <const T extends readonly [string, ...string[]]>(about: string, words: T) =>
  optional(z.enum(words), { type: words.map((word) => `\`${word}\``).join(', '), about });

/** A list of names without an order. */
export const names = (about: string) =>
  optional(z.array(z.string().min(1).max(limit.MAX_NAME_LENGTH)).max(limit.MAX_LIST_LENGTH), {
    type: 'list of names',
    about,
  });

/** Free labels: name to value. */
export const labels = (about: string) =>
  optional(
    z
      .record(z.string().min(1).max(limit.MAX_LABEL_LENGTH), z.string().max(limit.MAX_NAME_LENGTH))
      .refine((value) => Object.keys(value).length <= limit.MAX_LIST_LENGTH, {
        error: `Too many: expected at most ${limit.MAX_LIST_LENGTH} labels`,
      }),
    {
      type: 'labels: object of texts',
      about,
    },
  );

/**
 * A moment. Written back as `YYYY-MM-DDTHH:MM:SS.sssZ`, so that whoever reads the log needs no RFC 3339 parser of
 * its own and two spellings of one moment are one body.
 */
export const moment = (about: string) =>
  optional(
    z.string().transform((value, context) => {
      const ms = parseTimestamp(value);
      if (ms !== null) return formatTimestamp(ms);
      context.addIssue({ code: 'custom', message: 'expected an RFC 3339 timestamp with offset' });
      return z.NEVER;
    }),
    { type: 'RFC 3339 timestamp', about },
  );

/** An object of known fields; others in it are kept. */
export const group = <S extends z.ZodRawShape>(about: string, shape: S) =>
  optional(z.looseObject(shape), { type: 'object', about });

/** A list of objects of known fields; others in them are kept. */
export const listOf = <S extends z.ZodRawShape>(about: string, max: number, shape: S) =>
  optional(z.array(z.looseObject(shape)).max(max), { type: 'list of objects', about });
