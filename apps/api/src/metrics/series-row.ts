import { goText, type HistogramSeries, type LabelText, scaledText, type Series } from '@quipu/exposition';
import type { EntityFamily } from '@quipu/ledger';
import type { TotalSeries } from '@quipu/read-models';
import type { ShownLabels } from './label-layout.js';

/** What all rows of a rendering share: the instant (ms) that values stand at, and since when counters count (s). */
export interface Instant {
  now: number;
  created: string | null;
}

/** What the rows of one family have in common. */
export interface RowKind {
  readonly family: Pick<EntityFamily, 'form' | 'scale' | 'sums' | 'dialect' | 'type'>;
  readonly instant: Instant;
  /** Number of buckets, `+Inf` included; 0 for simple families. */
  readonly buckets: number;
}

/**
 * One line, or the lines of one distribution: the totals it is the sum of, by part. It is kept as long as they exist;
 * values are read when it is printed. A row without totals is a row of zeros.
 */
export class SeriesRow implements Series, HistogramSeries {
  readonly labels: LabelText;
  readonly labelsAfterLe?: LabelText;
  private readonly parts: TotalSeries[][] = [];

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
  }

  get value(): string {
    const { family, instant } = this.kind;
    const first = this.sumOf(0);
    if (family.form !== 'accruing') return family.scale === 1 ? first : scaledText(first, family.scale);
    const accrued = BigInt(first) + BigInt(this.sumOf(1)) * BigInt(instant.now);
    return scaledText(accrued, family.scale);
  }

  get created(): string | undefined {
    const { family, instant } = this.kind;
    return family.type === 'counter' ? (instant.created ?? undefined) : undefined;
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
