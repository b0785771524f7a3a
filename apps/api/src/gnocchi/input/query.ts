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

  /** The value of a parameter; the first one if it is given more than once. */
  one(name: string): string | undefined {
    return this.parameters.get(name) ?? undefined;
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
    const given = this.one('limit');
    const limit = given === undefined ? MAX_PAGE : toInt(given);
    if (limit === null || limit < 1) {
      const what = limit === null ? 'expected int' : 'value must be at least 1';
      const reason = `${what} for dictionary value @ data[${quotedLikePython('limit')}]`;
      throw new GnocchiError(400, { cause: 'Argument value error', reason });
    }
    const sortTexts = this.all('sort').length === 0 ? [...standard] : this.all('sort').slice(0, 10);
    const marker = this.one('marker');
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

const TRUE = ['1', 't', 'true', 'on', 'y', 'yes'];
const FALSE = ['0', 'f', 'false', 'off', 'n', 'no'];
