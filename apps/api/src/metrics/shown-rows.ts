import { canonicalLabels, type EntityFamily, type EvaluatedSample } from '@quipu/ledger';
import { type CounterMarks, markKey, type Totals, type TotalSeries } from '@quipu/read-models';
import { Turns } from './breathe.js';
import type { MetricsView } from './metrics-view.js';
import type { ToldRows } from './told-rows.js';

/** What a total is together with, and what it is called there: costly, and the same at every scrape. */
type Places = WeakMap<TotalSeries, { readonly group: string; readonly key: string }>;
const placesOfFamilies = new WeakMap<EntityFamily, Places>();

type Sample = { -readonly [K in keyof EvaluatedSample]: EvaluatedSample[K] };

/** A sample that a family has derived, and what names it among the marks. */
export interface ShownSample {
  readonly key: string;
  readonly sample: EvaluatedSample;
}

/**
 * The samples of a family that is derived from its totals: each total is evaluated, then the family derives, from those
 * samples together that it does not keep apart.
 */
export async function shownSamples(
  totals: Totals,
  family: EntityFamily,
  shown: NonNullable<EntityFamily['shown']>,
  view: MetricsView,
  now: number,
): Promise<ShownSample[]> {
  const turns = new Turns();
  const apart = family.shownBy ?? [];
  const places: Places = placesOfFamilies.get(family) ?? new WeakMap();
  placesOfFamilies.set(family, places);
  const groups = new Map<string, Map<string, Sample>>();
  const add = async (name: string, factor: bigint): Promise<void> => {
    for (const series of totals.family(name).series.values()) {
      if (turns.due()) await turns.take();
      const { tenant, labels, value } = series;
      if (family.audience === 'internal' || !view.sees(tenant, family.audience)) continue;
      const { group, key } = placeOf(places, series, apart);
      let samples = groups.get(group);
      if (samples === undefined) groups.set(group, (samples = new Map<string, Sample>()));
      const sample = samples.get(key);
      if (sample === undefined) samples.set(key, { tenant, labels, value: BigInt(value) * factor });
      else sample.value += BigInt(value) * factor;
    }
  };
  await add(family.stored, 1n);
  if (family.form === 'accruing') await add(`${family.stored}:rate`, BigInt(now));
  const found: ShownSample[] = [];
  const together = family.shownBy === undefined ? [[...groups.values()].flatMap(valuesOf)] : null;
  for (const samples of together ?? groups.values()) {
    for (const sample of shown(Array.isArray(samples) ? samples : valuesOf(samples))) {
      if (turns.due()) await turns.take();
      found.push({ key: markKey(family.stored, sample.tenant, sample.labels), sample });
    }
  }
  return found;
}

/** Tells the rows of {@link shownSamples}. */
export async function tellShown(
  family: EntityFamily,
  samples: readonly ShownSample[],
  marks: CounterMarks,
  told: ToldRows,
): Promise<void> {
  const turns = new Turns();
  told.begin();
  for (const { key, sample } of samples) {
    if (turns.due()) await turns.take();
    told.tell(key, () => sample, shownValue(family, key, sample, marks), marks.gaveWayMs(key));
  }
  await told.end();
}

function valuesOf(samples: ReadonlyMap<string, Sample>): Sample[] {
  return [...samples.values()];
}

function placeOf(
  places: Places,
  series: TotalSeries,
  apart: readonly string[],
): { group: string; key: string } {
  let place = places.get(series);
  if (place === undefined) {
    const { tenant, labels } = series;
    const group = JSON.stringify([tenant, ...apart.map((label) => labels[label] ?? '')]);
    places.set(series, (place = { group, key: canonicalLabels(labels) }));
  }
  return place;
}

/** Nothing that accrues is negative, and a counter that accrues shows no less than it did. */
function shownValue(
  family: EntityFamily,
  key: string,
  { value }: EvaluatedSample,
  marks: CounterMarks,
): bigint {
  if (family.form !== 'accruing') return value;
  if (family.type === 'counter') return marks.raise(key, value);
  return value > 0n ? value : 0n;
}
