import { canonicalLabels, type EntityFamily, type EvaluatedSample } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { Turns } from './breathe.js';
import { type HighMarks, markKey } from './high-marks.js';
import type { MetricsView } from './metrics-view.js';
import type { Instant } from './series-row.js';
import type { ToldRows } from './told-rows.js';

type Sample = { -readonly [K in keyof EvaluatedSample]: EvaluatedSample[K] };

/**
 * Tells the rows of a family that is derived from its totals: each total is evaluated, then the family derives, from
 * those samples together that it does not keep apart.
 */
export async function tellShown(
  totals: Totals,
  family: EntityFamily,
  shown: NonNullable<EntityFamily['shown']>,
  view: MetricsView,
  { now, marks }: Pick<Instant, 'now' | 'marks'>,
  told: ToldRows,
): Promise<void> {
  const turns = new Turns();
  const apart = family.shownBy ?? [];
  const groups = new Map<string, Map<string, Sample>>();
  const add = async (name: string, factor: bigint): Promise<void> => {
    for (const { tenant, labels, value } of totals.family(name).series.values()) {
      if (turns.due()) await turns.take();
      if (family.audience === 'internal' || !view.sees(tenant, family.audience)) continue;
      const group = JSON.stringify([tenant, ...apart.map((label) => labels[label] ?? '')]);
      let samples = groups.get(group);
      if (samples === undefined) groups.set(group, (samples = new Map<string, Sample>()));
      const key = canonicalLabels(labels);
      const sample = samples.get(key);
      if (sample === undefined) samples.set(key, { tenant, labels, value: BigInt(value) * factor });
      else sample.value += BigInt(value) * factor;
    }
  };
  await add(family.stored, 1n);
  if (family.form === 'accruing') await add(`${family.stored}:rate`, BigInt(now));
  told.begin();
  const together = family.shownBy === undefined ? [[...groups.values()].flatMap(valuesOf)] : null;
  for (const samples of together ?? groups.values()) {
    for (const sample of shown(Array.isArray(samples) ? samples : valuesOf(samples))) {
      if (turns.due()) await turns.take();
      const key = `${sample.tenant}\n${canonicalLabels(sample.labels)}`;
      told.tell(key, () => sample, shownValue(family, sample, marks));
    }
  }
  await told.end();
}

function valuesOf(samples: ReadonlyMap<string, Sample>): Sample[] {
  return [...samples.values()];
}

/** Nothing that accrues is negative, and a counter that accrues shows no less than it did. */
function shownValue(family: EntityFamily, sample: EvaluatedSample, marks: HighMarks): bigint {
  const { tenant, labels, value } = sample;
  if (family.form !== 'accruing') return value;
  if (family.type === 'counter') return marks.raise(markKey(family.stored, tenant, labels), value);
  return value > 0n ? value : 0n;
}
