import type { LabelText } from '@quipu/exposition';
import type { EntityFamily, ZeroSource, ZeroValues } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { Turns } from './breathe.js';
import type { Labelled, LabelLayout } from './label-layout.js';
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

/** The rows that a family has before any entity adds to it. */
export interface ZeroRows {
  /** Labels of the first of them, none twice. */
  readonly labels: readonly LabelText[];
  /** How many there are in all. */
  readonly total: number;
}

/** Stored families whose labels are choices of {@link zeroRowsOf}. */
export const ZERO_SOURCES = ['worker_pool_runtime:n', 'user_identities'] as const;

/**
 * The labels of a family's zero rows: the product of a few closed lists, of scopes, pools and of the names in the
 * vocabulary, by scope. Scopes that the view does not tell apart are one.
 * @param most how many labels are worth having
 */
export async function zeroRowsOf(
  family: EntityFamily,
  totals: Totals,
  context: ZeroContext,
  layout: LabelLayout,
  most: number,
): Promise<ZeroRows> {
  const turns = new Turns();
  const { tenantLabel, zeroRows } = family;
  const { home, view } = context;
  const scoped = tenantLabel !== null && zeroRows?.[tenantLabel] !== undefined;
  const scopes = new Map<string, string>();
  for (const tenant of scoped ? context.tenants : [home]) {
    if (turns.due()) await turns.take();
    scopes.set(scoped ? view.shown(tenant, tenant) : '', tenant);
  }
  const tenants = [...scopes.values()];
  const kinds = new Map<LabelText, Labelled['labels']>();
  for (const { labels } of zeroLabels(family, totals, context)) {
    if (turns.due()) await turns.take();
    const { before } = layout.of({ tenant: home, labels });
    if (!kinds.has(before)) kinds.set(before, labels);
  }
  const found = new Set<LabelText>();
  for (const tenant of tenants) {
    if (found.size >= most) break;
    for (const labels of kinds.values()) {
      if (found.size >= most) break;
      if (turns.due()) await turns.take();
      found.add(layout.of({ tenant, labels }).before);
    }
  }
  let total = tenants.length * kinds.size;
  for (const row of scoped ? unscoped(family, context) : []) {
    const { before } = layout.of(row);
    if (found.has(before)) continue;
    if (found.size < most) found.add(before);
    total += 1;
  }
  return { labels: [...found], total };
}

/**
 * Labels of zero rows without those of tenants. Lists that depend on one another (the names of a type's tasks) are
 * pairs.
 */
export function zeroLabels(family: EntityFamily, totals: Totals, context: ZeroContext): Iterable<Labelled> {
  const { zeroRows, tenantLabel } = family;
  const { home: tenant, view } = context;
  if (zeroRows === undefined) return family.labels.length === 0 ? [{ tenant, labels: {} }] : [];
  const choices = Object.entries(zeroRows)
    .filter(([name]) => name !== tenantLabel)
    .map(([name, values]) => choicesOf(name, values, totals, context));
  const rows = product(tenant, choices, 0, {});
  return family.name === 'workers' ? inPools(rows, totals, view) : rows;
}

function* product(
  tenant: string,
  choices: readonly Record<string, string>[][],
  depth: number,
  labels: Record<string, string>,
): Generator<Labelled, void, undefined> {
  if (depth === choices.length) yield { tenant, labels };
  else for (const more of choices[depth]!) yield* product(tenant, choices, depth + 1, { ...labels, ...more });
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
function* inPools(
  rows: Iterable<Labelled>,
  totals: Totals,
  view: MetricsView,
): Generator<Labelled, void, undefined> {
  const pools = listOf('pools', totals, view, NO_VOCABULARY);
  for (const row of rows) {
    if (row.labels['worker_type'] !== 'external') yield row;
    else for (const pool of pools) yield { ...row, labels: { ...row.labels, worker_pool: pool } };
  }
}

/** Assets that lie in no scope have their row once, for those who see the platform. */
function unscoped(family: EntityFamily, { view, vocabulary, home }: ZeroContext): Labelled[] {
  if (family.name !== 'assets' || !view.whole) return [];
  return vocabulary.platformAssetCategories.map((category) => ({
    tenant: home,
    labels: { category, scope: '' },
  }));
}
