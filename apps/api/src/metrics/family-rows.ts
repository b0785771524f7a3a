import { bucketIndex } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals, TotalSeries, TotalsFamily } from '@quipu/read-models';
import { breathe, SLICE, sortBy } from './breathe.js';
import { LabelLayout, type ShownLabels } from './label-layout.js';
import type { MetricsView } from './metrics-view.js';
import { type Instant, type RowKind, SeriesRow } from './series-row.js';

/** A stored family, and which part of a row each of its series is. */
interface Part {
  readonly totals: TotalsFamily;
  readonly of: (series: TotalSeries) => number;
}

/** Bounds of a family as they are printed, `+Inf` last; none for a family without buckets. */
export function boundsOf(family: EntityFamily): string[] {
  return family.buckets === undefined ? [] : [...family.buckets.map(String), '+Inf'];
}

/**
 * The rows of one family in one view. They are made anew only when a series has appeared or gone; while only values
 * change, a scrape reads them through the rows it has. Labels are put into text once per series.
 */
export class FamilyRows {
  readonly bounds: readonly string[];
  private readonly kind: RowKind;
  private layout: LabelLayout;
  private labels = new WeakMap<TotalSeries, ShownLabels>();
  private rows: SeriesRow[] = [];
  private made: readonly { readonly totals: TotalsFamily; readonly structure: number }[] | null = null;

  constructor(
    readonly family: EntityFamily,
    private readonly view: MetricsView,
    instant: Instant,
  ) {
    this.bounds = boundsOf(family);
    this.kind = { family, instant, buckets: this.bounds.length };
    this.layout = new LabelLayout(family, view, new Set());
  }

  /** How labels are printed; settled by the last {@link list}. */
  get labelLayout(): LabelLayout {
    return this.layout;
  }

  /** A row of zeros with these labels. */
  zero(shown: ShownLabels): SeriesRow {
    return new SeriesRow(this.kind, shown);
  }

  /** The rows, by labels. The array is kept: read it, do not change it. */
  async list(totals: Totals): Promise<readonly SeriesRow[]> {
    const parts = this.parts(totals);
    if (this.isMade(parts)) return this.rows;
    const structures = parts.map((part) => ({ totals: part.totals, structure: part.totals.structure }));
    this.settleLayout(parts);
    const rows = new Map<string, SeriesRow>();
    let looked = 0;
    for (const part of parts) {
      for (const series of part.totals.series.values()) {
        if (++looked % SLICE === 0) await breathe();
        if (!this.sees(series)) continue;
        const shown = this.shown(series);
        let row = rows.get(shown.key);
        if (row === undefined) rows.set(shown.key, (row = this.zero(shown)));
        row.add(part.of(series), series);
      }
    }
    this.rows = await sortBy([...rows.values()], ({ shown }) => shown.key);
    this.made = structures;
    return this.rows;
  }

  private sees({ tenant }: TotalSeries): boolean {
    const { audience } = this.family;
    return audience !== 'internal' && this.view.sees(tenant, audience);
  }

  private shown(series: TotalSeries): ShownLabels {
    let shown = this.labels.get(series);
    if (shown === undefined) this.labels.set(series, (shown = this.layout.of(series)));
    return shown;
  }

  private isMade(parts: readonly Part[]): boolean {
    return (
      this.made !== null &&
      this.made.every(({ totals, structure }, i) => {
        const now = parts[i]!.totals;
        return totals === now && structure === now.structure;
      })
    );
  }

  /** Labels that depend on the entities are those of all series that are seen. */
  private settleLayout(parts: readonly Part[]): void {
    const { openLabels } = this.family;
    if (openLabels === undefined) return;
    const names = new Set<string>();
    for (const { totals } of parts) {
      for (const series of totals.series.values()) {
        if (!this.sees(series)) continue;
        for (const name of Object.keys(series.labels)) if (name.startsWith(openLabels)) names.add(name);
      }
    }
    const layout = new LabelLayout(this.family, this.view, names);
    if (layout.key === this.layout.key) return;
    this.layout = layout;
    this.labels = new WeakMap();
  }

  private parts(totals: Totals): Part[] {
    const { form, stored } = this.family;
    const whole = (of: Part['of']): Part => ({ totals: totals.family(stored), of });
    const beside = (suffix: string, part: number): Part => ({
      totals: totals.family(`${stored}:${suffix}`),
      of: () => part,
    });
    switch (form) {
      case 'value':
        return [whole(() => 0)];
      case 'present':
        return [whole(() => 0), beside('n', 1)];
      case 'accruing':
        return [whole(() => 0), beside('rate', 1), beside('n', 2)];
      case 'distribution':
        return [
          whole(({ labels }) => bucketIndex(this.bounds, labels['le'] ?? '+Inf')),
          beside('sum', this.bounds.length),
        ];
      case 'members':
      case 'oldest':
        return [];
    }
  }
}
