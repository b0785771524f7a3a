import { type Contributions, type EntityKey, type EntityKindName } from '../entities/types.js';
import { metricFamilies } from './catalogue.js';
import { FamilySink } from './sink.js';
import { type Contribute } from './types.js';
import { type MetricViews } from './views.js';

interface Part<K extends EntityKindName> {
  readonly contribute: Contribute<K>;
  readonly sink: FamilySink;
}

const partsOf = new Map<EntityKindName, readonly Part<never>[]>();

/** Adds to `found` what an entity contributes to every family of its kind. */
export function addSamples<K extends EntityKindName>(
  kind: K,
  key: EntityKey,
  view: MetricViews[K],
  found: Contributions,
): void {
  const parts = (partsOf.get(kind) ?? collect(kind)) as readonly Part<K>[];
  for (let i = 0; i < parts.length; i++) {
    const { contribute, sink } = parts[i]!;
    sink.begin(key, found);
    contribute(view, sink);
  }
}

/** The families of a kind, each with its sink. */
function collect<K extends EntityKindName>(kind: K): readonly Part<never>[] {
  const parts: Part<K>[] = [];
  for (const family of metricFamilies) {
    if (family.source !== 'totals') continue;
    const contribute: Contribute<K> | undefined = family.of[kind];
    if (contribute !== undefined) parts.push({ contribute, sink: new FamilySink(family) });
  }
  const kept: readonly Part<never>[] = parts;
  partsOf.set(kind, kept);
  return kept;
}
