import { scaledText, type Series } from '@quipu/exposition';
import { canonicalLabels, type EntityFamily, type EvaluatedSample } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import type { LabelLayout, ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';

/** Rows of a family that is derived from its totals as a whole: each total is evaluated, then the family derives. */
export function shownRows(
  totals: Totals,
  family: EntityFamily,
  shown: NonNullable<EntityFamily['shown']>,
  view: MetricsView,
  layout: LabelLayout,
  now: number,
): (Series & { shown: ShownLabels })[] {
  const samples = new Map<string, { -readonly [K in keyof EvaluatedSample]: EvaluatedSample[K] }>();
  const add = (name: string, factor: bigint): void => {
    for (const { tenant, labels, value } of totals.family(name).series.values()) {
      if (family.audience === 'internal' || !view.sees(tenant, family.audience)) continue;
      const key = `${tenant}\n${canonicalLabels(labels)}`;
      const sample = samples.get(key);
      if (sample === undefined) samples.set(key, { tenant, labels, value: BigInt(value) * factor });
      else sample.value += BigInt(value) * factor;
    }
  };
  add(family.stored, 1n);
  if (family.form === 'accruing') add(`${family.stored}:rate`, BigInt(now));
  const rows = new Map<string, { shown: ShownLabels; value: bigint }>();
  for (const sample of shown([...samples.values()])) {
    const labels = layout.of(sample);
    const row = rows.get(labels.key);
    if (row === undefined) rows.set(labels.key, { shown: labels, value: sample.value });
    else row.value += sample.value;
  }
  return [...rows.values()]
    .sort((a, b) => (a.shown.key < b.shown.key ? -1 : 1))
    .map((row) => ({
      ...{ shown: row.shown, labels: row.shown.before },
      value: family.scale === 1 ? row.value : scaledText(row.value, family.scale),
    }));
}
