import { LEVEL_CODES, type LedgerSchema } from '@quipu/ledger';
import type { Parameters } from '../statement.js';

/** What usage can be grouped by. Services are only a filter: grouping by them would count a node twice. */
export const DIMENSIONS = [
  'tenant',
  'user',
  'queue',
  'cluster',
  'template',
  'provider',
  'hardware',
  'image',
] as const;

/** One thing usage can be grouped or filtered by. */
export type Dimension = (typeof DIMENSIONS)[number];

/** Exact matches, all of which must hold. `service`: the node carries this service among its services. */
export type UsageFilters = Partial<Record<Dimension, string>> & { service?: string };

/** The levels that are metered, by their code in the tables. */
export const LEVELS = LEVEL_CODES;

/** A metered level. */
export type LevelName = keyof typeof LEVELS;

/** The levels that people ask the usage of: nodes held, jobs waiting, jobs running. */
export const USAGE_LEVELS = ['nodes', 'waiting', 'running'] as const satisfies LevelName[];

/** One of {@link USAGE_LEVELS}. */
export type UsageLevel = (typeof USAGE_LEVELS)[number];

/** The level that holds the part of another whose intervals end by estimate; a wait is never estimated. */
export const ESTIMATED_LEVELS = {
  nodes: 'nodes_estimated',
  waiting: null,
  running: 'running_estimated',
} as const satisfies Record<UsageLevel, LevelName | null>;

/** Which of the four usage keys of a change: 0 whole, 1 without cluster, 2 the tenant, 3 the platform. */
export type Grain = 0 | 1 | 2 | 3;

/** The smallest grain whose keys can tell apart what the filters and the grouping ask for. */
export function coveringGrain(filters: UsageFilters, groupBy: readonly Dimension[]): Grain {
  const asked = new Set<string>(groupBy);
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) asked.add(name);
  if (asked.has('cluster')) return 0;
  asked.delete('tenant');
  if (asked.size > 0) return 1;
  return filters.tenant !== undefined || groupBy.includes('tenant') ? 2 : 3;
}

/** The column of `usage_keys` that holds a dimension. */
export function columnOf(dimension: Dimension): string {
  return dimension === 'user' ? 'user_id' : dimension;
}

/** The condition `grain and filters` on the alias of `usage_keys`, parameters added as it goes. */
export function keyCondition(alias: string, grain: Grain, filters: UsageFilters, params: Parameters): string {
  const conditions = [`${alias}.grain = ${grain}`];
  for (const dimension of DIMENSIONS) {
    const value = filters[dimension];
    if (value !== undefined) conditions.push(`${alias}.${columnOf(dimension)} = ${params.add(value)}`);
  }
  if (filters.service !== undefined) {
    conditions.push(`${alias}.services @> ARRAY[${params.add(filters.service)}]::text[]`);
  }
  return conditions.join(' AND ');
}

/**
 * The usage key of the change `c`, as a table of one row. LIMIT keeps filters out of it: on a table that
 * was never analysed the planner holds the index on (grain, tenant) for as good as the primary key, and
 * would walk all keys of a tenant for each change.
 */
export function keyOfChange(schema: LedgerSchema): string {
  return `(SELECT * FROM ${schema}.usage_keys u WHERE u.key_id = c.key_id LIMIT 1)`;
}
