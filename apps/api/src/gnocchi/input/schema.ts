import { GnocchiError } from '../forms/gnocchi-error.js';
import { quotedLikePython } from '../forms/plain-value.js';
import { toInt } from './python-numbers.js';

/** Where a value stands in the body: names of members and places in lists. */
export type Path = readonly (string | number)[];

/** Checks and converts a value. @throws Invalid */
export type Schema<T> = (value: unknown, path: Path) => T;

/** The first thing that is wrong with a body. */
export class Invalid extends Error {
  /** @param of what kind of member the value is, such as "dictionary value"; empty: nothing is said. */
  constructor(
    readonly reason: string,
    readonly path: Path,
    readonly of = '',
  ) {
    super(reason);
  }

  /** The reason with the place: `expected str for dictionary value @ data['name']`. */
  text(): string {
    const kind = this.of === '' ? '' : ` for ${this.of}`;
    const place = this.path
      .map((key) => `[${typeof key === 'number' ? key : quotedLikePython(key)}]`)
      .join('');
    return `${this.reason}${kind}${place === '' ? '' : ` @ data${place}`}`;
  }
}

/** Checks a body. @throws GnocchiError (400) that names the first thing that is wrong. */
export function validate<T>(schema: Schema<T>, body: unknown): T {
  try {
    return schema(body, []);
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    const detail = error.path.map(String);
    throw new GnocchiError(400, { cause: 'Invalid input', reason: error.text(), detail });
  }
}

/** A text that Postgres can hold. */
export const text: Schema<string> = (value, path) => {
  if (typeof value !== 'string') throw new Invalid('expected str', path);
  if (value.includes('\0') || /[\uD800-\uDFFF]/u.test(value)) throw new Invalid('not a valid value', path);
  return value;
};

/** A text of a length. */
export function textOf(max: number): Schema<string> {
  return (value, path) => {
    const given = text(value, path);
    if ([...given].length > max) throw new Invalid(`length of value must be at most ${max}`, path);
    return given;
  };
}

/** A text that a path can name: a slash in it would be taken for the path's own. */
export function nameOf(max: number): Schema<string> {
  return (value, path) => {
    const given = textOf(max)(value, path);
    if (given.includes('/')) throw new Invalid("'/' is not supported", path);
    return given;
  };
}

/** A text, or nothing. */
export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  return (value, path) => {
    if (value === null) return null;
    try {
      return schema(value, path);
    } catch (error) {
      if (error instanceof Invalid && error.reason === 'expected str') {
        throw new Invalid('not a valid value', path);
      }
      throw error;
    }
  };
}

/** A whole number, also as text. */
export function wholeNumber(min: number, max: number): Schema<number> {
  return (value, path) => {
    const number = toInt(value);
    if (number === null) throw new Invalid('expected int', path);
    if (number < min) throw new Invalid(`value must be at least ${min}`, path);
    if (number > max) throw new Invalid(`value must be at most ${max}`, path);
    return number;
  };
}

/** A list of like things. */
export function listOf<T>(item: Schema<T>, { min = 0, max = Infinity } = {}): Schema<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new Invalid('expected a list', path);
    if (value.length > max) throw new Invalid(`length of value must be at most ${max}`, path);
    const items = value.map((member: unknown, i) => item(member, [...path, i]));
    if (items.length < min) throw new Invalid(`length of value must be at least ${min}`, path);
    return items;
  };
}

/** One of some words. */
export function oneOf(words: ReadonlySet<string>): Schema<string> {
  return (value, path) => {
    if (typeof value !== 'string' || !words.has(value)) throw new Invalid('not a valid value', path);
    return value;
  };
}

/** A member of an object that may be left out. */
export interface Optional<T> {
  readonly optional: Schema<T>;
}

type Shape = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>;
type Member<M> = M extends Schema<infer T> ? T : M extends Optional<infer T> ? T | undefined : never;

/** Makes a member optional. */
export function optional<T>(schema: Schema<T>): Optional<T> {
  return { optional: schema };
}

/** An object with these members and no others. */
export function objectOf<S extends Shape>(shape: S): Schema<{ readonly [K in keyof S]: Member<S[K]> }> {
  return (value, path) => {
    const result: Record<string, unknown> = {};
    for (const [key, member] of members(value, path)) {
      const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (schema === undefined) throw new Invalid('extra keys not allowed', [...path, key]);
      result[key] = asMember(typeof schema === 'function' ? schema : schema.optional, member, [...path, key]);
    }
    for (const [key, schema] of Object.entries(shape)) {
      if (typeof schema === 'function' && !(key in result)) {
        throw new Invalid('required key not provided', [...path, key]);
      }
    }
    return result as { readonly [K in keyof S]: Member<S[K]> };
  };
}

/**
 * An object whose members are alike.
 * @param key converts a name, or answers null for one that may not be.
 */
export function mapOf<K, V>(
  key: (name: string) => K | null,
  value: (converted: K, name: string) => Schema<V>,
): Schema<[K, V][]> {
  return (given, path) =>
    members(given, path).map(([name, member]) => {
      const converted = key(name);
      if (converted === null) throw new Invalid('extra keys not allowed', [...path, name]);
      return [converted, asMember(value(converted, name), member, [...path, name])];
    });
}

function members(value: unknown, path: Path): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Invalid('expected a dictionary', path);
  }
  return Object.entries(value);
}

/** Checks a member; what is wrong with itself, not with something within, is said to be of a dictionary's value. */
function asMember<T>(schema: Schema<T>, value: unknown, path: Path): T {
  try {
    return schema(value, path);
  } catch (error) {
    if (error instanceof Invalid && error.path.length <= path.length && error.of === '') {
      const missing =
        error.reason === 'extra keys not allowed' || error.reason === 'required key not provided';
      throw missing ? error : new Invalid(error.reason, error.path, 'dictionary value');
    }
    throw error;
  }
}
