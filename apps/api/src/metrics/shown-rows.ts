import { scaledText, type Series } from '@quipu/exposition';
import { canonicalLabels, type EntityFamily, type EvaluatedSample } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { type HighMarks, markKey } from './high-marks.js';
import type { LabelLayout, ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';
import type { Instant } from './series-row.js';

/** Rows of a family that is derived from its totals as a whole: each total is evaluated, then the family derives. */
export function shownRows(
  totals: Totals,
  family: EntityFamily,
  shown: NonNullable<EntityFamily['shown']>,
  view: MetricsView,
  layout: LabelLayout,
  { now, marks }: Pick<Instant, 'now' | 'marks'>,
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
    const value = shownValue(family, sample, marks);
    const row = rows.get(labels.key);
    if (row === undefined) rows.set(labels.key, { shown: labels, value });
    else row.value += value;
  }
  return [...rows.values()]
    .sort((a, b) => (a.shown.key < b.shown.key ? -1 : 1))
    .map((row) => ({
      ...{ shown: row.shown, labels: row.shown.before },
      value: family.scale === 1 ? row.value : scaledText(row.value, family.scale),
    }));
}

/** Nothing that accrues is negative, and a counter that accrues shows no less than it did. */
function shownValue(family: EntityFamily, sample: EvaluatedSample, marks: HighMarks): bigint {
  const { tenant, labels, value } = sample;
  if (family.form !== 'accruing') return value;
  if (family.type === 'counter') return marks.raise(markKey(family.stored, tenant, labels), value);
  return value > 0n ? value : 0n;
}
