import { type LabelText, type Value } from './types.js';

/** A kept series whose value changes in place. */
export interface KeptSeries {
  readonly labels: LabelText;
  value: Value;
  created?: Value;
}

/**
 * The series of one family as a process keeps them between scrapes: changed in place, listed by labels.
 * Listing costs nothing while only values change; new series are sorted alone and merged in.
 */
export class SeriesTable {
  private readonly byLabels = new Map<LabelText, KeptSeries>();
  private ordered: KeptSeries[] = [];
  private added: KeptSeries[] = [];
  private gone = false;

  /** How many series there are. */
  get size(): number {
    return this.byLabels.size;
  }

  /** The series of these labels, if there is one. */
  get(labels: LabelText): KeptSeries | undefined {
    return this.byLabels.get(labels);
  }

  /** Sets a series' value; the series appears if it was not there. */
  set(labels: LabelText, value: Value, created?: Value): void {
    const kept = this.byLabels.get(labels);
    if (kept !== undefined) {
      kept.value = value;
      if (created !== undefined) kept.created = created;
      return;
    }
    const series: KeptSeries = created === undefined ? { labels, value } : { labels, value, created };
    this.byLabels.set(labels, series);
    this.added.push(series);
  }

  /** Removes a series, if it is there. */
  delete(labels: LabelText): void {
    if (this.byLabels.delete(labels)) this.gone = true;
  }

  /** All series by their labels' text, ascending. The array is the table's own: read it, do not keep it. */
  list(): readonly KeptSeries[] {
    if (this.gone) {
      const alive = (series: KeptSeries): boolean => this.byLabels.get(series.labels) === series;
      this.ordered = this.ordered.filter(alive);
      this.added = this.added.filter(alive);
      this.gone = false;
    }
    if (this.added.length > 0) {
      this.added.sort(byText);
      this.ordered = this.ordered.length === 0 ? this.added : merge(this.ordered, this.added);
      this.added = [];
    }
    return this.ordered;
  }
}

function byText(a: KeptSeries, b: KeptSeries): number {
  return a.labels < b.labels ? -1 : a.labels > b.labels ? 1 : 0;
}

function merge(a: readonly KeptSeries[], b: readonly KeptSeries[]): KeptSeries[] {
  const merged: KeptSeries[] = [];
  let i = 0;
  for (const next of b) {
    while (i < a.length && a[i]!.labels < next.labels) merged.push(a[i++]!);
    merged.push(next);
  }
  while (i < a.length) merged.push(a[i++]!);
  return merged;
}
