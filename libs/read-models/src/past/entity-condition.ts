import { type Dimensions, KIND_CODES, type LevelName } from '@quipu/ledger';
import { type Dimension, DIMENSIONS, type UsageFilters } from '../usage/dimensions.js';
import type { Parameters } from '../statement.js';

/** How a dimension is written in the facts of a job's and a node's state; null: that kind never has it. */
const NAMES: Readonly<Record<Exclude<Dimension, 'tenant'>, { job: string | null; node: string | null }>> = {
  user: { job: 'user', node: 'user' },
  queue: { job: 'queue', node: null },
  cluster: { job: 'cluster', node: 'cluster' },
  template: { job: 'clusterTemplate', node: 'clusterTemplate' },
  provider: { job: null, node: 'provider' },
  hardware: { job: null, node: 'hardwareType' },
  image: { job: null, node: 'imageType' },
};

/** What is looked for among entities. `level` null: jobs, for what they are doing. */
export interface EntityWish {
  readonly level: LevelName | null;
  readonly filters: UsageFilters;
}

/**
 * A condition on the alias of `entities` that every entity with a matching interval fulfils, and few others: a value
 * that an interval carries stands in the text of the state, written as JSON.stringify writes it. The state is
 * searched as text, which costs a fraction of parsing it.
 */
export function entityCondition(alias: string, { level, filters }: EntityWish, params: Parameters): string {
  const conditions: string[] = [];
  if (filters.tenant !== undefined) conditions.push(`${alias}.tenant = ${params.add(filters.tenant)}`);
  const job = kindCondition(alias, 'job', level, filters, params);
  const node = level === 'nodes' ? kindCondition(alias, 'node', level, filters, params) : null;
  const kinds = [job, node].filter((condition) => condition !== null);
  conditions.push(kinds.length === 0 ? 'false' : `(${kinds.join(' OR ')})`);
  return conditions.join(' AND ');
}

function kindCondition(
  alias: string,
  kind: 'job' | 'node',
  level: LevelName | null,
  filters: UsageFilters,
  params: Parameters,
): string | null {
  // A parameter that the text does not use in the end has no type, and Postgres refuses it.
  if (neverMatches(kind, filters)) return null;
  const conditions = [`${alias}.kind = ${KIND_CODES[kind]}`];
  const holds = (text: string): string => `strpos(${alias}.state::text, ${params.add(text)}::text) > 0`;
  // A job that never said how many nodes it holds holds none.
  if (kind === 'job' && level === 'nodes') conditions.push(holds('"nodes":'));
  for (const dimension of DIMENSIONS) {
    const value = filters[dimension];
    if (value === undefined || dimension === 'tenant') continue;
    const name = NAMES[dimension][kind];
    // What names no queue counts as the queue '' of depth.
    if (dimension === 'queue' && value === '' && kind === 'job') continue;
    if (name === null) continue;
    const told = holds(`"${name}":${JSON.stringify(value)}`);
    const bySubject =
      kind === 'node' && dimension === 'cluster'
        ? ` OR starts_with(${alias}.id, ${params.add(`node/${value}/`)}::text)`
        : '';
    conditions.push(`(${told}${bySubject})`);
  }
  if (filters.service !== undefined) conditions.push(holds(JSON.stringify(filters.service)));
  return `(${conditions.join(' AND ')})`;
}

/** Whether a filter asks for something that this kind of entity never has. */
function neverMatches(kind: 'job' | 'node', filters: UsageFilters): boolean {
  if (kind === 'job' && filters.service !== undefined) return true;
  return DIMENSIONS.some(
    (dimension) =>
      dimension !== 'tenant' && filters[dimension] !== undefined && NAMES[dimension][kind] === null,
  );
}

/** Whether an interval's dimensions pass the filters, as usage decides it. */
export function passes(dims: Dimensions, filters: UsageFilters): boolean {
  for (const dimension of DIMENSIONS) {
    const value = filters[dimension];
    if (value !== undefined && dims[dimension] !== value) return false;
  }
  return filters.service === undefined || dims.services.includes(filters.service);
}
