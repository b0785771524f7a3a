import { bucketIndex } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals, TotalSeries, TotalsFamily } from '@quipu/read-models';
import { sortBy, Turns } from './breathe.js';
import { SPLIT_STATE } from './job-rows.js';
import { LabelLayout, type ShownLabels } from './label-layout.js';
import { LineTable } from './line-table.js';
import type { MetricsView } from './metrics-view.js';
import { type Instant, type RowKind, SeriesRow } from './series-row.js';

/** A stored family, and which part of a row each of its series is. */
interface Part {
  readonly totals: TotalsFamily;
  readonly of: (series: TotalSeries) => number;
}

/** Where a total is counted. */
interface Place {
  readonly row: SeriesRow;
  readonly part: number;
  /** The last update that met the total. */
  round: number;
}

/** Bounds of a family as they are printed, `+Inf` last; none for a family without buckets. */
export function boundsOf(family: EntityFamily): string[] {
  return family.buckets === undefined ? [] : [...family.buckets.map(String), '+Inf'];
}

/**
 * The rows of one family in one view. While only values change, a scrape reads them through the rows it has. When a
 * series appears or goes its row does, and the others stay: labels are put into text once per series.
 */
export class FamilyRows {
  readonly bounds: readonly string[];
  /** The lines, if the family has no buckets. */
  readonly lines = new LineTable();
  private readonly kind: RowKind;
  private readonly rows = new Map<string, SeriesRow>();
  private readonly places = new Map<TotalSeries, Place>();
  private layout: LabelLayout;
  private sorted: readonly SeriesRow[] | null = [];
  private round = 0;
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

  /** How labels are printed; settled by the last {@link update}. */
  get labelLayout(): LabelLayout {
    return this.layout;
  }

  /** A row of zeros with these labels. */
  zero(shown: ShownLabels): SeriesRow {
    return new SeriesRow(this.kind, shown);
  }

  /** The rows by labels, as of the last {@link update}. The array is kept: read it, do not change it. */
  async list(): Promise<readonly SeriesRow[]> {
    return (this.sorted ??= await sortBy([...this.rows.values()], ({ shown }) => shown.key));
  }

  /** Tells the marks what each total comes to at the instant; as of the last {@link update}. */
  async noteAccruals(): Promise<void> {
    const turns = new Turns();
    for (const row of this.rows.values()) {
      if (turns.due()) await turns.take();
      row.noteAccruals();
    }
  }

  /** Has a row for every series there is now. */
  async update(totals: Totals): Promise<void> {
    const parts = this.parts(totals);
    if (this.isMade(parts)) return;
    const known = this.made;
    const structures = parts.map((part) => ({ totals: part.totals, structure: part.totals.structure }));
    // Until it is done: one that breaks off in the middle is done again.
    this.made = null;
    const turns = new Turns();
    const anew = known === null || parts.some((part, i) => part.totals !== known[i]!.totals);
    if ((await this.settleLayout(parts, turns)) || anew) this.clear();
    this.round += 1;
    let met = 0;
    for (const part of parts) {
      for (const series of part.totals.series.values()) {
        if (turns.due()) await turns.take();
        const place = this.places.get(series);
        if (place !== undefined) place.round = this.round;
        else if (this.sees(series)) this.add(part.of(series), series);
        else continue;
        met += 1;
      }
    }
    if (met < this.places.size) await this.removeUnmet(turns);
    this.made = structures;
  }

  private clear(): void {
    this.rows.clear();
    this.places.clear();
    this.lines.clear();
    this.sorted = null;
  }

  private add(part: number, series: TotalSeries): void {
    const shown = this.layout.of(series);
    let row = this.rows.get(shown.key);
    if (row === undefined) {
      this.rows.set(shown.key, (row = this.zero(shown)));
      this.sorted = null;
    }
    row.add(part, series);
    this.places.set(series, { row, part, round: this.round });
    if (this.bounds.length === 0) this.lines.set(shown.before, row.source);
  }

  private async removeUnmet(turns: Turns): Promise<void> {
    for (const [series, { row, part, round }] of this.places) {
      if (turns.due()) await turns.take();
      if (round === this.round) continue;
      this.places.delete(series);
      row.remove(part, series);
      const { key, before } = row.shown;
      if (row.isEmpty) {
        this.rows.delete(key);
        this.lines.delete(before);
        this.sorted = null;
      } else if (this.bounds.length === 0) this.lines.set(before, row.source);
    }
  }

  private sees({ tenant, labels }: TotalSeries): boolean {
    const { audience, stored } = this.family;
    if (stored === 'jobs' && labels['state'] === SPLIT_STATE) return false;
    return audience !== 'internal' && this.view.sees(tenant, audience);
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

  /** Labels that depend on the entities are those of all series that are seen. Says whether they are others now. */
  private async settleLayout(parts: readonly Part[], turns: Turns): Promise<boolean> {
    const { openLabels } = this.family;
    if (openLabels === undefined) return false;
    const names = new Set<string>();
    for (const { totals } of parts) {
      for (const series of totals.series.values()) {
        if (turns.due()) await turns.take();
        if (!this.sees(series)) continue;
        for (const name of Object.keys(series.labels)) if (name.startsWith(openLabels)) names.add(name);
      }
    }
    const layout = new LabelLayout(this.family, this.view, names);
    if (layout.key === this.layout.key) return false;
    this.layout = layout;
    return true;
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
