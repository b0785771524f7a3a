import { breathe, SLICE, sortBy } from './breathe.js';
import type { Series } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import type { LabelLayout, Labelled, ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';

/**
 * Jobs by queue and state. What waits is told apart by time, at the instant of asking: `queued` is due, `delayed` is
 * not; together they are the total of state `waiting`.
 */
export async function jobRows(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  layout: LabelLayout,
  now: number,
): Promise<(Series & { shown: ShownLabels })[]> {
  const rows = new Map<string, { shown: ShownLabels; value: bigint }>();
  const add = (labelled: Labelled, value: bigint): void => {
    if (value === 0n) return;
    const shown = layout.of(labelled);
    const row = rows.get(shown.key);
    if (row === undefined) rows.set(shown.key, { shown, value });
    else row.value += value;
  };
  let looked = 0;
  for (const series of totals.family(family.stored).series.values()) {
    if (++looked % SLICE === 0) await breathe();
    if (series.labels['state'] === 'waiting' || !view.sees(series.tenant, 'tenant')) continue;
    add(series, BigInt(series.value));
  }
  for (const { tenant, labels, atLeast, total } of await totals.members('waiting', [now + 1])) {
    if (++looked % SLICE === 0) await breathe();
    if (!view.sees(tenant, 'tenant')) continue;
    const { queue = '' } = JSON.parse(labels) as Record<string, string>;
    const later = atLeast[0] ?? 0;
    add({ tenant, labels: { queue, state: 'queued' } }, BigInt(total - later));
    add({ tenant, labels: { queue, state: 'delayed' } }, BigInt(later));
  }
  const sorted = await sortBy([...rows.values()], ({ shown }) => shown.key);
  return sorted.map(({ shown, value }) => ({ shown, labels: shown.before, value }));
}
