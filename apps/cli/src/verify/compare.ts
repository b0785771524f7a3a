import type { PoolClient } from 'pg';
import type { DifferenceList } from './difference-list.js';
import { entitiesAt } from './entity-hints.js';
import type { DifferenceKind } from './report.js';

/** One comparison of a table of found rows with one of expected rows. */
interface Comparison {
  readonly kind: DifferenceKind;
  readonly found: string;
  readonly expected: string;
  /** Columns that name a row. */
  readonly key: readonly string[];
  /** Columns that must be equal. */
  readonly value: readonly string[];
  /** Rows that exist only on the found side are harmless. */
  readonly extraAllowed?: boolean;
}

const SERIES = ['family', 'tenant', 'labels'];
const MEMBER = ['family', 'tenant', 'labels', 'member'];

const TUPLE = [
  'grain',
  'tenant',
  'user_id',
  'queue',
  'cluster',
  'template',
  'provider',
  'hardware',
  'image',
  'services',
];

const POSTGRES: readonly Comparison[] = [
  {
    kind: 'amount',
    found: 'found_amounts',
    expected: 'expected_amounts_once',
    key: SERIES,
    value: ['value'],
  },
  { kind: 'member', found: 'found_members', expected: 'expected_members', key: MEMBER, value: ['score'] },
  {
    kind: 'usage-key',
    found: 'found_keys',
    expected: 'expected_keys_once',
    key: ['key_id'],
    value: TUPLE,
    // Keys are never taken back: one that no change uses any more sums to nothing.
    extraAllowed: true,
  },
  {
    kind: 'change',
    found: 'found_changes',
    expected: 'expected_changes_once',
    key: ['level', 't', 'key_id'],
    value: ['d', 'n'],
  },
  {
    kind: 'level-sum',
    found: 'found_sums',
    expected: 'expected_sums',
    key: ['level', 'bucket_kind', 'bucket', 'key_id'],
    value: ['d', 'w', 'n', 'max_t'],
  },
];

const REDIS: readonly Comparison[] = [
  {
    kind: 'redis-total',
    found: 'found_redis_totals',
    expected: 'expected_amounts_once',
    key: SERIES,
    value: ['value'],
  },
  {
    kind: 'redis-member',
    found: 'found_redis_members',
    expected: 'expected_members',
    key: MEMBER,
    value: ['score'],
  },
];

/** What the stored states come to is what the log comes to, or the next event will be added to a wrong number. */
const STATES: readonly Comparison[] = [
  {
    kind: 'state',
    found: 'stated_amounts_once',
    expected: 'expected_amounts_once',
    key: SERIES,
    value: ['value'],
  },
  { kind: 'state', found: 'stated_members', expected: 'expected_members', key: MEMBER, value: ['score'] },
  {
    kind: 'state',
    found: 'stated_changes_once',
    expected: 'expected_changes_once',
    key: ['level', 't', 'key_id'],
    value: ['d', 'n'],
  },
];

/**
 * Compares the copies with what the fold came to, table by table in the database (which sorts on disk what
 * does not fit in memory), and answers how many rows were compared per kind; progress counts rows.
 */
export async function compareTables(
  client: PoolClient,
  sides: { readonly redis: boolean; readonly states: boolean },
  found: DifferenceList,
  progress: (done: number, total: number) => void,
): Promise<Partial<Record<DifferenceKind, number>>> {
  const comparisons = [...POSTGRES, ...(sides.states ? STATES : []), ...(sides.redis ? REDIS : [])];
  const sizes: number[] = [];
  const counts: Partial<Record<DifferenceKind, number>> = {};
  let total = 0;
  for (const comparison of comparisons) {
    await client.query(`ANALYZE ${comparison.found}; ANALYZE ${comparison.expected}`);
    const rows = await countRows(client, comparison.found, comparison.expected);
    counts[comparison.kind] = (counts[comparison.kind] ?? 0) + rows;
    sizes.push(rows);
    total += rows;
  }
  let done = 0;
  for (const [index, comparison] of comparisons.entries()) {
    await compareTable(client, comparison, found);
    done += sizes[index] ?? 0;
    progress(done, total);
  }
  return counts;
}

interface DifferentRow {
  readonly key: Readonly<Record<string, string | null>>;
  readonly expected: Readonly<Record<string, string | null>> | null;
  readonly found: Readonly<Record<string, string | null>> | null;
  readonly total: string;
}

async function compareTable(
  client: PoolClient,
  { kind, found, expected, key, value, extraAllowed }: Comparison,
  differences: DifferenceList,
): Promise<void> {
  const object = (side: string, columns: readonly string[]): string =>
    `json_build_object(${columns.map((column) => `'${column}', ${side}.${column}::text`).join(', ')})`;
  const row = (side: string, columns: readonly string[]): string =>
    `ROW(${columns.map((column) => `${side}.${column}::text`).join(', ')})`;
  const first = key[0] ?? '';
  const limit = Math.max(differences.room(kind), 1);
  const { rows } = await client.query<DifferentRow>(
    `SELECT CASE WHEN e.${first} IS NULL THEN ${object('f', key)} ELSE ${object('e', key)} END AS key,
       CASE WHEN e.${first} IS NOT NULL THEN ${object('e', value)} END AS expected,
       CASE WHEN f.${first} IS NOT NULL THEN ${object('f', value)} END AS found,
       count(*) OVER () AS total
     FROM ${found} f ${extraAllowed ? 'RIGHT' : 'FULL'} JOIN ${expected} e
       ON ${key.map((column) => `f.${column} = e.${column}`).join(' AND ')}
     WHERE f.${first} IS NULL OR e.${first} IS NULL
       OR ${row('f', value)} IS DISTINCT FROM ${row('e', value)}
     ORDER BY ${key.map((column) => `coalesce(f.${column}, e.${column})`).join(', ')}
     LIMIT ${limit}`,
  );
  const hints = await entitiesAt(
    client,
    't' in (rows[0]?.key ?? {}) ? rows.map(({ key: { t } }) => Number(t)) : [],
  );
  for (const { key: name, expected: should, found: is } of rows) {
    const entities =
      'member' in name
        ? [`${name['tenant']} ${name['member']}`]
        : 't' in name
          ? hints.get(Number(name['t']))
          : undefined;
    differences.add({
      kind,
      key: words(name),
      expected: should === null ? null : words(should),
      found: is === null ? null : words(is),
      ...(entities === undefined ? {} : { entities }),
    });
  }
  differences.addUnseen(Number(rows[0]?.total ?? 0) - rows.length);
}

async function countRows(client: PoolClient, found: string, expected: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `SELECT greatest((SELECT count(*) FROM ${found}), (SELECT count(*) FROM ${expected})) AS count`,
  );
  return Number(rows[0]?.count ?? 0);
}

function words(columns: Readonly<Record<string, string | null>>): string {
  return Object.entries(columns)
    .map(([name, value]) => `${name}=${value ?? 'null'}`)
    .join(' ');
}
