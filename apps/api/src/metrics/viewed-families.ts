import { type Family, type HistogramSeries, OTHER, type Series } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { Totals } from '@quipu/read-models';
import { foldDistributions, type FoldedRows, foldRows } from './fold-rows.js';
import { FamilyRows } from './family-rows.js';
import type { HighMarks } from './high-marks.js';
import { jobRows } from './job-rows.js';
import type { ShownLabels } from './label-layout.js';
import { ageRows, oldestRows } from './member-rows.js';
import type { MetricsView } from './metrics-view.js';
import type { Instant } from './series-row.js';
import { shownRows } from './shown-rows.js';
import { type ZeroContext, zeroLabels } from './zero-rows.js';

/** A family that a budget has cut. */
export interface FoldedFamily {
  readonly name: string;
  /** Series that one stands for now. */
  readonly series: number;
}

/** What is true at the moment of a scrape. */
export interface Moment {
  readonly totals: Totals;
  /** ms. */
  readonly now: number;
  /** When counters began, seconds since 1970, as text; null while nothing was counted. */
  readonly created: string | null;
  readonly zeros: ZeroContext;
}

/** A row of any kind: simple ones have a value, distributions have counts. */
type Row = (Series | HistogramSeries) & { readonly shown: ShownLabels };

/** Rows with their zero rows, as long as neither changes. */
interface Completed {
  readonly found: readonly Row[];
  readonly zeros: string;
  readonly rows: readonly Row[];
}

/** Entity families in one view. It is kept between scrapes, because its rows are. */
export class ViewedFamilies {
  private readonly instant: Instant;
  private readonly families: readonly FamilyRows[];
  private readonly completed = new Map<FamilyRows, Completed>();

  /**
   * @param budget most series of a family
   * @param nameOf the name a family is printed under
   * @param marks of the whole process
   */
  constructor(
    families: readonly EntityFamily[],
    private readonly view: MetricsView,
    private readonly budget: number,
    private readonly nameOf: (name: string) => string,
    marks: HighMarks,
  ) {
    const instant: Instant = { now: 0, created: null, marks };
    this.instant = instant;
    this.families = families
      .filter(({ audience }) => audience !== 'internal' && (audience !== 'platform' || view.platform))
      .map((family) => new FamilyRows(family, view, instant));
  }

  /** The families in their order, as of the moment; `folded` gains those that were cut. */
  async at(moment: Moment, folded: FoldedFamily[]): Promise<Family[]> {
    this.instant.now = moment.now;
    this.instant.created = moment.created;
    const families: Family[] = [];
    for (const kept of this.families) families.push(await this.family(kept, moment, folded));
    return families;
  }

  private async family(kept: FamilyRows, moment: Moment, folded: FoldedFamily[]): Promise<Family> {
    const { family, bounds } = kept;
    const found = await this.find(kept, moment);
    const { rows, cut } =
      found.length > this.budget && !hasFixedRows(family)
        ? await this.fold(kept, found)
        : { rows: this.complete(kept, found, moment), cut: 0 };
    const name = this.nameOf(family.name);
    if (cut > 0) folded.push({ name, series: cut });
    const head = { name, help: family.help, ...(family.unit === undefined ? {} : { unit: family.unit }) };
    const { type } = family;
    if (type === 'histogram' || type === 'gaugehistogram') {
      return { ...head, type, bounds, series: rows as readonly HistogramSeries[] };
    }
    return { ...head, type, series: rows as readonly Series[] };
  }

  private async find(kept: FamilyRows, { totals, now }: Moment): Promise<readonly Row[]> {
    const { family, labelLayout: layout } = kept;
    const { form, stored, shown } = family;
    if (form === 'members') return ageRows(totals, family, this.view, layout, now);
    if (form === 'oldest') return oldestRows(totals, family, this.view, layout, now);
    if (stored === 'jobs') return jobRows(totals, family, this.view, layout, now);
    if (shown === undefined) return kept.list(totals);
    const rows = shownRows(totals, family, shown, this.view, layout, this.instant);
    const { created } = this.instant;
    return family.type === 'counter' && created !== null ? rows.map((row) => ({ ...row, created })) : rows;
  }

  private fold(
    { family, labelLayout }: FamilyRows,
    found: readonly Row[],
  ): Promise<FoldedRows<Series | HistogramSeries>> {
    const other = labelLayout.constant(OTHER);
    return family.form === 'distribution' || family.form === 'members'
      ? foldDistributions(found as readonly (Row & HistogramSeries)[], this.budget, other)
      : foldRows(found as readonly (Row & Series)[], this.budget, other, family.folds);
  }

  /** Adds rows of zeros, as far as there is room. */
  private complete(kept: FamilyRows, found: readonly Row[], { totals, zeros }: Moment): readonly Row[] {
    const { family, labelLayout: layout } = kept;
    if (family.zeroRows === undefined && family.labels.length > 0) return found;
    const key = `${zeros.key}\n${layout.key}\n${totals.family('worker_pool_runtime:n').structure}`;
    const known = this.completed.get(kept);
    if (known?.found === found && known.zeros === key) return known.rows;
    const zero = zeroLabels(family, totals, zeros).map((labels) => layout.of(labels));
    const rows = hasFixedRows(family) ? listed(kept, found, zero) : this.merged(kept, found, zero);
    this.completed.set(kept, { found, zeros: key, rows });
    return rows;
  }

  private merged(kept: FamilyRows, found: readonly Row[], zero: readonly ShownLabels[]): readonly Row[] {
    const rows = new Map<string, Row>(found.map((row) => [row.shown.key, row]));
    for (const shown of zero) {
      if (rows.size >= this.budget) break;
      if (!rows.has(shown.key)) rows.set(shown.key, kept.zero(shown));
    }
    return [...rows.values()].sort((a, b) => (a.shown.key < b.shown.key ? -1 : 1));
  }
}

/** Rows that are there whatever happens; a budget does not fold them. */
function hasFixedRows({ dialect, zeroRows, labels }: EntityFamily): boolean {
  return dialect === 'restic' && (zeroRows !== undefined || labels.length === 0);
}

/** restic-manager's families with fixed rows have these and no others, in the order of its contract. */
function listed(kept: FamilyRows, found: readonly Row[], zero: readonly ShownLabels[]): readonly Row[] {
  const rows = new Map<string, Row>(found.map((row) => [row.shown.key, row]));
  return zero.map((shown) => rows.get(shown.key) ?? kept.zero(shown));
}
