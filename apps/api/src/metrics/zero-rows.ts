import type { EntityFamily, ZeroSource, ZeroValues } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import type { Labelled } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';
import { NO_VOCABULARY, type Vocabulary } from './vocabulary.js';

/** What zero rows are made of, for one view. */
export interface ZeroContext {
  /** Equal for contexts that are equal, of one view. */
  readonly key: string;
  readonly view: MetricsView;
  readonly vocabulary: Vocabulary;
  /** Tenants that the view tells apart: their scopes have zero rows. */
  readonly tenants: readonly string[];
  /** Tenant of rows in families without a tenant label. */
  readonly home: string;
}

/** Most zero rows of one family: a vocabulary times many scopes must not fill a scrape. */
const MOST = 100_000;

/**
 * Labels of the rows that a family has before any entity adds to it: the product of a few closed lists, of scopes,
 * pools and of the names in the vocabulary. Lists that depend on one another (the names of a type's tasks) are pairs.
 */
export function zeroLabels(family: EntityFamily, totals: Totals, context: ZeroContext): Labelled[] {
  const { zeroRows, tenantLabel } = family;
  if (zeroRows === undefined) return family.labels.length === 0 ? [{ tenant: context.home, labels: {} }] : [];
  let rows: Labelled[] = [{ tenant: context.home, labels: {} }];
  for (const [name, values] of Object.entries(zeroRows)) {
    if (name === tenantLabel) continue;
    const choices = choicesOf(name, values, totals, context);
    if (rows.length * choices.length > MOST) return [];
    rows = rows.flatMap(({ tenant, labels }) =>
      choices.map((more) => ({ tenant, labels: { ...labels, ...more } })),
    );
  }
  if (family.name === 'workers') rows = rows.flatMap((row) => inPools(row, totals, context.view));
  if (tenantLabel === null || zeroRows[tenantLabel] === undefined) return rows;
  if (rows.length * context.tenants.length > MOST) return [];
  const scoped = context.tenants.flatMap((tenant) => rows.map(({ labels }) => ({ tenant, labels })));
  return [...scoped, ...unscoped(family, context)];
}

function choicesOf(
  name: string,
  values: ZeroValues,
  totals: Totals,
  { view, vocabulary }: ZeroContext,
): Record<string, string>[] {
  if (typeof values !== 'string') return values.map((value) => ({ [name]: value }));
  if (values === 'task_names') {
    return Object.entries(vocabulary.tasks).flatMap(([type, names]) =>
      names.map((task) => ({ task_type: type, task_name: task })),
    );
  }
  return listOf(values, totals, view, vocabulary).map((value) => ({ [name]: value }));
}

function listOf(
  source: Exclude<ZeroSource, 'task_names'>,
  totals: Totals,
  view: MetricsView,
  vocabulary: Vocabulary,
): readonly string[] {
  switch (source) {
    case 'artifact_categories':
      return vocabulary.artifactCategories;
    case 'collection_categories':
      return vocabulary.collectionCategories;
    case 'asset_categories':
      return vocabulary.assetCategories;
    case 'workflow_names':
      return vocabulary.workflows;
    case 'issuers':
      return [
        ...new Set([...vocabulary.issuers, ...seen('user_identities', 'issuer', 'tenant', totals, view)]),
      ];
    case 'pools':
      return ['', ...seen('worker_pool_runtime:n', 'worker_pool', 'fleet', totals, view)];
    case 'scopes':
      return [];
  }
}

/** Values of a label among the series of a family that are seen. */
function seen(
  family: string,
  label: string,
  audience: 'tenant' | 'fleet',
  totals: Totals,
  view: MetricsView,
): Set<string> {
  const values = new Set<string>();
  for (const { tenant, labels } of totals.family(family).series.values()) {
    const value = labels[label];
    if (value !== undefined && view.sees(tenant, audience)) values.add(value);
  }
  return values;
}

/** External workers have rows for each pool as well; others are in none. */
function inPools(row: Labelled, totals: Totals, view: MetricsView): Labelled[] {
  if (row.labels['worker_type'] !== 'external') return [row];
  return listOf('pools', totals, view, NO_VOCABULARY).map((pool) => ({
    ...row,
    labels: { ...row.labels, worker_pool: pool },
  }));
}

/** Assets that lie in no scope have their row once, for those who see the platform. */
function unscoped(family: EntityFamily, { view, vocabulary, home }: ZeroContext): Labelled[] {
  if (family.name !== 'assets' || !view.whole) return [];
  return vocabulary.platformAssetCategories.map((category) => ({
    tenant: home,
    labels: { category, scope: '' },
  }));
}
