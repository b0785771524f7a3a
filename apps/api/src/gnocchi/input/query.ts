import { type Page, parseSort } from '@quipu/archive';
import { GnocchiError } from '../forms/gnocchi-error.js';
import { quotedLikePython } from '../forms/plain-value.js';
import { toInt } from './python-numbers.js';

/** Most rows of a page, and what a page has that names no limit. */
export const MAX_PAGE = 1000;

/** The parameters of a request. */
export class Query {
  private readonly parameters: URLSearchParams;

  /** @param text what follows the question mark. */
  constructor(text: string) {
    this.parameters = new URLSearchParams(text);
    for (const [name, value] of this.parameters) {
      if (value.includes('\0') || /[\uD800-\uDFFF]/u.test(value))
        throw GnocchiError.argument(name, 'not a valid value');
    }
  }

  /** The value of a parameter. @throws GnocchiError (400) if it is given more than once: one of them would be lost. */
  one(name: string): string | undefined {
    const [value, ...more] = this.parameters.getAll(name);
    if (more.length > 0) throw GnocchiError.argument(name, 'May be given only once');
    return value;
  }

  /** Every value of a parameter. */
  all(name: string): string[] {
    return this.parameters.getAll(name);
  }

  /** A truth value in one of its usual forms. @throws GnocchiError (400) */
  flag(name: string, fallback: boolean): boolean {
    const text = this.one(name);
    if (text === undefined) return fallback;
    const lower = text.trim().toLowerCase();
    if (TRUE.includes(lower)) return true;
    if (FALSE.includes(lower)) return false;
    const words = [...TRUE, ...FALSE].sort().map((word) => `'${word}'`);
    const why = `Unrecognized value '${text}', acceptable values are: ${words.join(', ')}`;
    throw new GnocchiError(400, `Unable to parse \`${name}': ${why}`);
  }

  /**
   * The page that is asked for.
   * @throws GnocchiError (400), CatalogueError (invalid-page)
   */
  page(keys: ReadonlySet<string>, standard: readonly string[]): Page & { readonly sortTexts: string[] } {
    const [given, ...more] = this.all('limit');
    const limit = given === undefined ? MAX_PAGE : more.length > 0 ? null : toInt(given);
    if (limit === null) throw wrongPage('limit', 'expected int');
    if (limit < 1) throw wrongPage('limit', 'value must be at least 1');
    // One that is empty is none.
    const sorts = this.all('sort').filter((text) => text !== '');
    const sortTexts = sorts.length === 0 ? [...standard] : sorts.slice(0, 10);
    const [marker, ...markers] = this.all('marker');
    if (markers.length > 0) throw wrongPage('marker', 'expected str');
    return {
      sort: parseSort(sortTexts, keys),
      limit: Math.min(limit, MAX_PAGE),
      sortTexts,
      ...(marker === undefined ? {} : { marker }),
    };
  }

  /** The query of the page after `marker`: all that was given, the effective sort, sorted by name. */
  next(page: { readonly limit: number; readonly sortTexts: readonly string[] }, marker: string): string {
    const pairs = [...this.parameters].filter(([name]) => !['limit', 'marker', 'sort'].includes(name));
    pairs.push(['limit', String(page.limit)], ['marker', marker]);
    for (const text of page.sortTexts) pairs.push(['sort', text]);
    // Of equal names the order stays.
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return new URLSearchParams(pairs).toString();
  }
}

function wrongPage(name: string, what: string): GnocchiError {
  const reason = `${what} for dictionary value @ data[${quotedLikePython(name)}]`;
  return new GnocchiError(400, { cause: 'Argument value error', reason });
}

const TRUE = ['1', 't', 'true', 'on', 'y', 'yes'];
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no'];
