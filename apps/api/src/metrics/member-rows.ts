import type { Series, HistogramSeries, Value } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { breathe, SLICE, sortBy } from './breathe.js';
import type { LabelLayout, Labelled, ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';

const DAY_MS = 86_400_000;
/** Decimals of a sum of ages in days: a day is no power of ten, so the sum is rounded, here to 0.1 µs. */
const DAY_DECIMALS = 12n;

interface Ages {
  readonly shown: ShownLabels;
  readonly counts: number[];
  sum: bigint | null;
}

/**
 * Distribution of ages: how long ago the members of each set were scored, in days. Counted when it is asked, so it is
 * right at that instant although nothing happens; each bucket costs a look into each set.
 */
export async function ageRows(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  layout: LabelLayout,
  now: number,
): Promise<(HistogramSeries & { shown: ShownLabels })[]> {
  const buckets = family.buckets ?? [];
  const bounds = buckets.map((days) => now - days * DAY_MS);
  const rows = new Map<string, Ages>();
  const rowOf = (labelled: Labelled): Ages => {
    const shown = layout.of(labelled);
    let row = rows.get(shown.key);
    if (row === undefined) {
      row = { shown, counts: new Array<number>(buckets.length + 1).fill(0), sum: family.sums ? 0n : null };
      rows.set(shown.key, row);
    }
    return row;
  };
  for (const { tenant, labels, atLeast, total } of await totals.members(family.stored, bounds)) {
    if (total === 0 || !view.sees(tenant, family.audience === 'internal' ? 'platform' : family.audience))
      continue;
    const { counts } = rowOf({ tenant, labels: JSON.parse(labels) as Record<string, string> });
    let below = 0;
    for (const [i, count] of [...atLeast, total].entries()) {
      counts[i]! += count - below;
      below = count;
    }
  }
  if (family.sums) addSums(totals, family, view, now, rowOf);
  return [...rows.values()]
    .sort((a, b) => (a.shown.key < b.shown.key ? -1 : 1))
    .map(({ shown, counts, sum }) => ({
      ...{ shown, labels: shown.before, counts },
      ...(shown.after === undefined ? {} : { labelsAfterLe: shown.after }),
      // Members scored ahead of the clock are in the first bucket; their ages must not make the sum negative.
      ...(sum === null ? {} : { sum: inDays(sum > 0n ? sum : 0n) }),
    }));
}

/** Sums of ages: now times the number of members, less the sum of their scores. */
function addSums(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  now: number,
  rowOf: (labelled: Labelled) => Ages,
): void {
  const audience = family.audience === 'internal' ? 'platform' : family.audience;
  const add = (name: string, factor: bigint): void => {
    for (const series of totals.family(name).series.values()) {
      if (!view.sees(series.tenant, audience)) continue;
      const row = rowOf(series);
      row.sum = (row.sum ?? 0n) + BigInt(series.value) * factor;
    }
  };
  add(`${family.stored}:sum`, 1n);
  add(`${family.stored}:rate`, BigInt(now));
}

function inDays(ms: bigint): string {
  const scaled = (ms * 10n ** DAY_DECIMALS) / BigInt(DAY_MS);
  const negative = scaled < 0n;
  const text = (negative ? -scaled : scaled).toString().padStart(Number(DAY_DECIMALS) + 1, '0');
  const whole = text.slice(0, -Number(DAY_DECIMALS));
  const fraction = text.slice(-Number(DAY_DECIMALS)).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Age (s) of the lowest score of each set up to now; sets without one have no row. */
export async function oldestRows(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  layout: LabelLayout,
  now: number,
): Promise<(Series & { shown: ShownLabels })[]> {
  const rows = new Map<string, { shown: ShownLabels; lowest: number }>();
  let looked = 0;
  for (const { tenant, labels, lowest } of await totals.members(family.stored, [])) {
    if (++looked % SLICE === 0) await breathe();
    if (lowest === null || lowest > now || !view.sees(tenant, 'tenant')) continue;
    const shown = layout.of({ tenant, labels: JSON.parse(labels) as Record<string, string> });
    const known = rows.get(shown.key);
    if (known === undefined || lowest < known.lowest) rows.set(shown.key, { shown, lowest });
  }
  const sorted = await sortBy([...rows.values()], ({ shown }) => shown.key);
  return sorted.map(({ shown, lowest }) => ({ shown, labels: shown.before, value: seconds(now - lowest) }));
}

function seconds(ms: number): Value {
  return ms % 1000 === 0 ? String(ms / 1000) : (ms / 1000).toFixed(3).replace(/0+$/, '');
}
