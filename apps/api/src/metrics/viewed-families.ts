import { type Family, type HistogramSeries, OTHER, scaledText, type Series } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { CounterMarks, Totals, TotalsFamily } from '@quipu/read-models';
import { Turns } from './breathe.js';
import { FamilyRows } from './family-rows.js';
import { foldDistributions, foldRows } from './fold-rows.js';
import type { MemberQuestion } from './held-members.js';
import { tellWaiting, WAITING, waitingBounds } from './job-rows.js';
import type { ShownLabels } from './label-layout.js';
import { ageBounds, ageRows, secondsText, tellOldest } from './member-rows.js';
import type { MetricsView } from './metrics-view.js';
import type { Instant } from './series-row.js';
import { type ShownSample, shownSamples, tellShown } from './shown-rows.js';
import { ToldRows } from './told-rows.js';
import { ZERO_SOURCES, type ZeroContext, zeroLabels, type ZeroRows, zeroRowsOf } from './zero-rows.js';

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
  /** Id of the log that is counted; without one, counters that accrue go by what this process has shown alone. */
  readonly log?: string;
  readonly zeros: ZeroContext;
}

/** A row of any kind: simple ones have a value, distributions have counts. */
type Row = (Series | HistogramSeries) & { readonly shown: ShownLabels };

/** Rows of zeros, and what they were made of. */
interface KnownZeros {
  readonly key: string;
  readonly sources: readonly { readonly totals: TotalsFamily; readonly structure: number }[];
  readonly rows: ZeroRows;
}

/** Entity families in one view. It is kept between scrapes, because its rows are. */
export class ViewedFamilies {
  private readonly instant: Instant;
  private readonly families: readonly FamilyRows[];
  private readonly zeros = new Map<FamilyRows, KnownZeros>();
  private readonly told = new Map<FamilyRows, ToldRows>();
  /** Samples of derived families that accrue, for the rendering that is under way. */
  private readonly samples = new Map<FamilyRows, readonly ShownSample[]>();

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
    marks: CounterMarks,
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
    await this.raiseMarks(moment);
    const families: Family[] = [];
    for (const kept of this.families) families.push(await this.family(kept, moment, folded));
    this.samples.clear();
    return families;
  }

  /** The members that {@link at} will want counted. @param now ms */
  memberQuestions(now: number): MemberQuestion[] {
    return this.families.flatMap(({ family }): MemberQuestion[] => {
      const { form, stored } = family;
      if (form === 'members') return [[stored, ageBounds(family, now)]];
      if (form === 'oldest') return [[stored, []]];
      return stored === 'jobs' ? [[WAITING, waitingBounds(now)]] : [];
    });
  }

  /** Whether any counter here accrues: what is shown of them depends on what other processes have shown. */
  get accrues(): boolean {
    return this.families.some(accruesAsCounter);
  }

  /** Before anything is shown of the counters that accrue, all of them meet what has been shown before, at once. */
  private async raiseMarks({ totals, now, log }: Moment): Promise<void> {
    const { marks } = this.instant;
    const turns = new Turns();
    for (const kept of this.families) {
      if (!accruesAsCounter(kept)) continue;
      const { family } = kept;
      if (family.shown === undefined) {
        await kept.update(totals);
        await kept.noteAccruals();
        continue;
      }
      const samples = await shownSamples(totals, family, family.shown, this.view, now);
      this.samples.set(kept, samples);
      for (const { key, sample } of samples) {
        if (turns.due()) await turns.take();
        marks.note(key, sample.value);
      }
    }
    await marks.exchange({ log: log ?? null, now, isAway: totals.fallback === 'unreachable' });
  }

  private async family(kept: FamilyRows, moment: Moment, folded: FoldedFamily[]): Promise<Family> {
    const { family, bounds } = kept;
    const { type, help, unit } = family;
    const name = this.nameOf(family.name);
    const head = { name, help, ...(unit === undefined ? {} : { unit }) };
    const note = (cut: number): void => {
      if (cut > 0) folded.push({ name, series: cut });
    };
    if (type === 'histogram' || type === 'gaugehistogram') {
      return { ...head, type, bounds, series: await this.distributions(kept, moment, note) };
    }
    if (hasFixedRows(family)) {
      await kept.update(moment.totals);
      return { ...head, type, series: fixedRows(kept, moment) };
    }
    return { ...head, type, series: await this.lines(kept, moment, note) };
  }

  private async distributions(
    kept: FamilyRows,
    { totals, now }: Moment,
    note: (cut: number) => void,
  ): Promise<readonly HistogramSeries[]> {
    const { family, labelLayout: layout } = kept;
    let found: readonly (Row & HistogramSeries)[];
    if (family.form === 'members') found = await ageRows(totals, family, this.view, layout, now);
    else {
      await kept.update(totals);
      found = await kept.list();
    }
    if (found.length <= this.budget) return found;
    const { rows, cut } = await foldDistributions(found, this.budget, layout.constant(OTHER));
    note(cut);
    return rows;
  }

  /** Lines as they are kept, with rows of zeros as far as there is room; folded where there are too many. */
  private async lines(
    kept: FamilyRows,
    moment: Moment,
    note: (cut: number) => void,
  ): Promise<Iterable<Series>> {
    const { family, lines } = kept;
    await this.tell(kept, moment);
    const { created } = moment;
    lines.table.created = family.type === 'counter' && created !== null ? created : undefined;
    lines.table.revision = this.instant.marks.resets;
    const unseen = await lines.settle(await this.zeroRows(kept, moment), this.budget);
    if (lines.size <= this.budget) {
      note(unseen);
      return lines.table;
    }
    const found: Series[] = [];
    const turns = new Turns();
    for (const line of lines.table) {
      if (turns.due()) await turns.take();
      found.push(line);
    }
    const other = kept.labelLayout.constant(OTHER);
    const { rows, cut } = await foldRows(found, this.budget, other, family.folds);
    note(cut + unseen);
    return rows;
  }

  /** Has a line for all there is now. */
  private async tell(kept: FamilyRows, { totals, now }: Moment): Promise<void> {
    const { family } = kept;
    const { form, stored, scale, shown } = family;
    if (form === 'oldest') {
      const told = this.toldRows(kept, secondsText, greater);
      return tellOldest(totals, family, this.view, now, told);
    }
    if (shown !== undefined) {
      const join = family.folds === 'max' ? greater : undefined;
      const told = this.toldRows(kept, (amount) => scaledText(amount, scale), join);
      const samples = this.samples.get(kept) ?? (await shownSamples(totals, family, shown, this.view, now));
      return tellShown(family, samples, this.instant.marks, told);
    }
    await kept.update(totals);
    if (stored !== 'jobs') return;
    await tellWaiting(
      totals,
      this.view,
      now,
      this.toldRows(kept, (count) => count),
    );
  }

  private toldRows(kept: FamilyRows, ...how: TellingOf): ToldRows {
    let told = this.told.get(kept);
    if (told === undefined) {
      this.told.set(kept, (told = new ToldRows(kept.lines, kept.labelLayout, ...how)));
    }
    return told;
  }

  private async zeroRows(kept: FamilyRows, { totals, zeros }: Moment): Promise<ZeroRows> {
    const { family, labelLayout: layout } = kept;
    if (family.zeroRows === undefined && family.labels.length > 0) return NO_ZEROS;
    const key = `${zeros.key}\n${layout.key}`;
    const known = this.zeros.get(kept);
    const isSame = ({ totals: one, structure }: KnownZeros['sources'][number]): boolean =>
      totals.family(one.name) === one && one.structure === structure;
    if (known?.key === key && known.sources.every(isSame)) return known.rows;
    const sources = ZERO_SOURCES.map((name) => totals.family(name)).map((one) => ({
      ...{ totals: one, structure: one.structure },
    }));
    const rows = await zeroRowsOf(family, totals, zeros, layout, this.budget);
    this.zeros.set(kept, { key, sources, rows });
    return rows;
  }
}

function accruesAsCounter({ family }: FamilyRows): boolean {
  return family.form === 'accruing' && family.type === 'counter';
}

function greater(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}

type TellingOf =
  ConstructorParameters<typeof ToldRows> extends [unknown, unknown, ...infer How] ? How : never;

const NO_ZEROS: ZeroRows = { labels: [], total: 0 };

/** Rows that are there whatever happens; a budget does not fold them. */
function hasFixedRows({ dialect, zeroRows, labels }: EntityFamily): boolean {
  return dialect === 'restic' && (zeroRows !== undefined || labels.length === 0);
}

/** restic-manager's families with fixed rows have these and no others, in the order of its contract. */
function fixedRows({ family, labelLayout, lines }: FamilyRows, { totals, zeros }: Moment): Series[] {
  return [...zeroLabels(family, totals, zeros)].map((labels) => {
    const { before } = labelLayout.of(labels);
    return { labels: before, value: lines.table.get(before)?.value ?? '0' };
  });
}
