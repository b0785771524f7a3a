import {
  goText,
  type HistogramSeries,
  type LabelText,
  scaledText,
  type Series,
  type ValueSource,
} from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import { type CounterMarks, markKey, type TotalSeries } from '@quipu/read-models';
import type { ShownLabels } from './label-layout.js';

/** What all rows of a rendering share: the instant (ms) that values stand at, and since when counters count (s). */
export interface Instant {
  now: number;
  created: string | null;
  /** What counters that accrue have shown. */
  readonly marks: CounterMarks;
}

/** What the rows of one family have in common. */
export interface RowKind {
  readonly family: Pick<EntityFamily, 'stored' | 'form' | 'scale' | 'sums' | 'dialect' | 'type'>;
  readonly instant: Instant;
  /** Number of buckets, `+Inf` included; 0 for simple families. */
  readonly buckets: number;
}

/** What one total of a tenant accrues: `base + rate · now`. */
interface Accrual {
  readonly key: string;
  base?: TotalSeries;
  rate?: TotalSeries;
}

/**
 * One line, or the lines of one distribution: the totals it is the sum of, by part. It is kept as long as they exist;
 * values are read when it is printed. A row without totals is a row of zeros.
 */
export class SeriesRow implements Series, HistogramSeries {
  readonly labels: LabelText;
  readonly labelsAfterLe?: LabelText;
  private readonly parts: TotalSeries[][] = [];
  private accruals: readonly Accrual[] | null = null;

  constructor(
    private readonly kind: RowKind,
    readonly shown: ShownLabels,
  ) {
    this.labels = shown.before;
    if (shown.after !== undefined) this.labelsAfterLe = shown.after;
  }

  /** Lets a total add to a part: 0 the value and 1 its rate, or the buckets and then the sum of a distribution. */
  add(part: number, series: TotalSeries): void {
    (this.parts[part] ??= []).push(series);
    this.accruals = null;
  }

  /** Takes back what {@link add} added. */
  remove(part: number, series: TotalSeries): void {
    this.parts[part] = (this.parts[part] ?? []).filter((one) => one !== series);
    this.accruals = null;
  }

  /** Whether it is a row of zeros that nothing adds to. */
  get isEmpty(): boolean {
    return this.parts.every((part) => part.length === 0);
  }

  /** Where the value is best read: in the total itself, if the row is no more than that. */
  get source(): ValueSource {
    const { form, scale } = this.kind.family;
    const [totals] = this.parts;
    const plain = (form === 'value' || form === 'present') && scale === 1 && totals?.length === 1;
    return plain ? totals[0]! : this;
  }

  get value(): string {
    const { family } = this.kind;
    if (family.form !== 'accruing') {
      const value = this.sumOf(0);
      return family.scale === 1 ? value : scaledText(value, family.scale);
    }
    return scaledText(this.accrued(), family.scale);
  }

  /** Tells the marks what each total comes to at the instant. */
  noteAccruals(): void {
    const { instant } = this.kind;
    for (const accrual of (this.accruals ??= this.paired())) {
      instant.marks.note(accrual.key, valueAt(accrual, instant.now));
    }
  }

  /** Base and rate of each total at the instant, added up. A counter shows no less than it did; nothing is negative. */
  private accrued(): bigint {
    const { family, instant } = this.kind;
    let sum = 0n;
    for (const accrual of (this.accruals ??= this.paired())) {
      const value = valueAt(accrual, instant.now);
      sum += family.type === 'counter' ? instant.marks.raise(accrual.key, value) : value;
    }
    return sum > 0n ? sum : 0n;
  }

  private paired(): Accrual[] {
    const found = new Map<string, Accrual>();
    for (const [part, name] of (['base', 'rate'] as const).entries()) {
      for (const series of this.parts[part] ?? []) {
        const key = markKey(this.kind.family.stored, series.tenant, series.labels);
        const accrual = found.get(key);
        if (accrual === undefined) found.set(key, { key, [name]: series });
        else accrual[name] = series;
      }
    }
    return [...found.values()];
  }

  get created(): string | undefined {
    const { family, instant } = this.kind;
    if (family.type !== 'counter') return undefined;
    let gaveWayMs = 0;
    if (family.form === 'accruing') {
      for (const { key } of (this.accruals ??= this.paired())) {
        gaveWayMs = Math.max(gaveWayMs, instant.marks.gaveWayMs(key));
      }
    }
    return gaveWayMs > 0 ? scaledText(String(gaveWayMs), 1_000) : (instant.created ?? undefined);
  }

  get counts(): (string | undefined)[] {
    const counts: (string | undefined)[] = [];
    for (let i = 0; i < this.kind.buckets; i += 1) {
      counts.push(this.parts[i] === undefined ? undefined : this.sumOf(i));
    }
    return counts;
  }

  get sum(): string | undefined {
    const { family, buckets } = this.kind;
    if (!family.sums) return undefined;
    const sum = scaledText(this.sumOf(buckets), family.scale);
    return family.dialect === 'restic' ? goText(sum) : sum;
  }

  private sumOf(part: number): string {
    const series = this.parts[part];
    if (series === undefined) return '0';
    if (series.length === 1) return series[0]!.value;
    let sum = 0n;
    for (const { value } of series) sum += BigInt(value);
    return sum.toString();
  }
}

function valueAt({ base, rate }: Accrual, now: number): bigint {
  const value = base === undefined ? 0n : BigInt(base.value);
  return rate === undefined ? value : value + BigInt(rate.value) * BigInt(now);
}
