import { CatalogueError } from './catalogue-error.js';
import type { Parameters } from './ownership.js';

/** How one key of a list is sorted. */
export interface SortKey {
  readonly key: string;
  readonly descending: boolean;
  /** Where rows without a value stand; absent: last when ascending, first when descending. */
  readonly nulls?: 'first' | 'last';
}

/** Which rows of a list are asked for. */
export interface Page {
  readonly sort: readonly SortKey[];
  readonly limit: number;
  /** Id of the row after which the page begins. */
  readonly marker?: string;
}

/** A row of a list with the values that it is sorted by, and the position after which the next page begins. */
export type SortValues = Readonly<Record<string, unknown>>;

const DIRECTIONS = ['asc-nullsfirst', 'asc-nullslast', 'desc-nullsfirst', 'desc-nullslast'];
const DIRECTION = /^(asc|desc)(?:-nulls(first|last))?$/;

/**
 * Reads `key[:direction]` texts.
 * @param keys names that a list may be sorted by.
 * @throws CatalogueError (invalid-page)
 */
export function parseSort(texts: readonly string[], keys: ReadonlySet<string>): SortKey[] {
  return texts.map((text) => {
    const colon = text.indexOf(':');
    const key = colon < 0 ? text : text.slice(0, colon);
    const given = colon < 0 ? '' : text.slice(colon + 1);
    const direction = DIRECTION.exec(given === '' ? 'asc' : given);
    if (direction === null) {
      throw invalidPage(`Unknown sort direction, must be one of: ${DIRECTIONS.join(', ')}`);
    }
    if (!keys.has(key)) throw invalidPage(`Sort key supplied is invalid: ${key}`);
    const nulls = direction[2] as 'first' | 'last' | undefined;
    return { key, descending: direction[1] === 'desc', ...(nulls === undefined ? {} : { nulls }) };
  });
}

/** The refusal of a page for this reason. */
export function invalidPage(why: string): CatalogueError {
  return new CatalogueError('invalid-page', '', `Invalid pagination: \`${why}'`);
}

/** The ORDER BY list of sort keys. @param columns the expression of each key. */
export function orderBy(sort: readonly SortKey[], columns: Readonly<Record<string, string>>): string {
  return sort
    .map((one) => `${columns[one.key]!} ${one.descending ? 'DESC' : 'ASC'} NULLS ${nullsOf(one)}`)
    .join(', ');
}

/** The condition for rows that come after the row with these values. */
export function after(
  sort: readonly SortKey[],
  columns: Readonly<Record<string, string>>,
  values: SortValues,
  parameters: Parameters,
): string {
  const alternatives: string[] = [];
  const same: string[] = [];
  for (const one of sort) {
    const column = columns[one.key]!;
    const value = values[one.key] ?? null;
    const last = nullsOf(one) === 'LAST';
    if (value === null) {
      if (!last) alternatives.push([...same, `${column} IS NOT NULL`].join(' AND '));
      same.push(`${column} IS NULL`);
      continue;
    }
    const bound = parameters.add(value);
    const beyond = `${column} ${one.descending ? '<' : '>'} ${bound}`;
    alternatives.push([...same, last ? `(${beyond} OR ${column} IS NULL)` : beyond].join(' AND '));
    same.push(`${column} = ${bound}`);
  }
  return alternatives.length === 0 ? 'false' : `(${alternatives.map((each) => `(${each})`).join(' OR ')})`;
}

function nullsOf({ descending, nulls }: SortKey): 'FIRST' | 'LAST' {
  return (nulls ?? (descending ? 'first' : 'last')) === 'first' ? 'FIRST' : 'LAST';
}
