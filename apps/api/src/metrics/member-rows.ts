import type { HistogramSeries, Value } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { sortBy, Turns } from './breathe.js';
import type { LabelLayout, Labelled, ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';
import type { ToldRows } from './told-rows.js';

const DAY_MS = 86_400_000;
/** Decimals of a sum of ages in days: a day is no power of ten, so the sum is rounded, here to 0.1 µs. */
const DAY_DECIMALS = 12n;

interface Ages {
  readonly shown: ShownLabels;
  readonly counts: number[];
  sum: bigint | null;
}

/** Scores (ms) from which on a member is in each bucket of a distribution of ages. */
export function ageBounds({ buckets = [] }: EntityFamily, now: number): number[] {
  return buckets.map((days) => now - days * DAY_MS);
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
  const bounds = ageBounds(family, now);
  const rows = new Map<string, Ages>();
  const turns = new Turns();
  const rowOf = (labelled: Labelled): Ages => {
    const shown = layout.of(labelled);
    let row = rows.get(shown.key);
    if (row === undefined) {
      row = { shown, counts: new Array<number>(bounds.length + 1).fill(0), sum: family.sums ? 0n : null };
      rows.set(shown.key, row);
    }
    return row;
  };
  for (const { tenant, labels, atLeast, total } of await totals.members(family.stored, bounds)) {
    if (turns.due()) await turns.take();
    if (total === 0 || !view.sees(tenant, family.audience === 'internal' ? 'platform' : family.audience))
      continue;
    const { counts } = rowOf({ tenant, labels: JSON.parse(labels) as Record<string, string> });
    let below = 0;
    for (const [i, count] of [...atLeast, total].entries()) {
      // Redis counts one bucket after the other: a member that leaves in between must not make one negative.
      const upTo = Math.max(count, below);
      counts[i]! += upTo - below;
      below = upTo;
    }
  }
  if (family.sums) await addSums(totals, family, view, now, rowOf);
  const sorted = await sortBy([...rows.values()], ({ shown }) => shown.key);
  return sorted.map(({ shown, counts, sum }) => ({
    ...{ shown, labels: shown.before, counts },
    ...(shown.after === undefined ? {} : { labelsAfterLe: shown.after }),
    // Members scored ahead of the clock are in the first bucket; their ages must not make the sum negative.
    ...(sum === null ? {} : { sum: inDays(sum > 0n ? sum : 0n) }),
  }));
}

/** Sums of ages: now times the number of members, less the sum of their scores. */
async function addSums(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  now: number,
  rowOf: (labelled: Labelled) => Ages,
): Promise<void> {
  const turns = new Turns();
  const audience = family.audience === 'internal' ? 'platform' : family.audience;
  const add = async (name: string, factor: bigint): Promise<void> => {
    for (const series of totals.family(name).series.values()) {
      if (turns.due()) await turns.take();
      if (!view.sees(series.tenant, audience)) continue;
      const row = rowOf(series);
      row.sum = (row.sum ?? 0n) + BigInt(series.value) * factor;
    }
  };
  await add(`${family.stored}:sum`, 1n);
  await add(`${family.stored}:rate`, BigInt(now));
}

function inDays(ms: bigint): string {
  const scaled = (ms * 10n ** DAY_DECIMALS) / BigInt(DAY_MS);
  const negative = scaled < 0n;
  const text = (negative ? -scaled : scaled).toString().padStart(Number(DAY_DECIMALS) + 1, '0');
  const whole = text.slice(0, -Number(DAY_DECIMALS));
  const fraction = text.slice(-Number(DAY_DECIMALS)).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Tells the age (ms) of the lowest score of each set up to now; sets without one have no line. */
export async function tellOldest(
  totals: Totals,
  family: EntityFamily,
  view: MetricsView,
  now: number,
  told: ToldRows,
): Promise<void> {
  const turns = new Turns();
  told.begin();
  for (const { tenant, labels, lowest } of await totals.members(family.stored, [])) {
    if (turns.due()) await turns.take();
    if (lowest === null || lowest > now || !view.sees(tenant, 'tenant')) continue;
    const labelled = () => ({ tenant, labels: JSON.parse(labels) as Record<string, string> });
    told.tell(`${tenant}\n${labels}`, labelled, BigInt(now - lowest));
  }
  await told.end();
}

/** Milliseconds as seconds. */
export function secondsText(age: bigint): Value {
  const ms = Number(age);
  return ms % 1000 === 0 ? String(ms / 1000) : (ms / 1000).toFixed(3).replace(/0+$/, '');
}
