import { type Amount, type Series } from '../entities/types.js';
import { ExactSum } from './exact-sum.js';

/** What a batch adds to one amount. */
export interface AmountDelta extends Series {
  readonly sum: ExactSum;
}

/** Nets the amounts of a batch by series. */
export class AmountBatch {
  private readonly sums = new Map<Series, ExactSum>();

  /** Adds an amount (`sign` 1) or takes one back (-1). */
  add({ series, value }: Amount, sign: 1 | -1): void {
    let sum = this.sums.get(series);
    if (sum === undefined) this.sums.set(series, (sum = new ExactSum()));
    if (typeof value === 'bigint') sum.addBig(sign === 1 ? value : -value);
    else sum.add(sign * value);
  }

  /** The series that the batch changes, each once: two objects may stand for one series. */
  finish(): AmountDelta[] {
    const deltas = new Map<string, AmountDelta>();
    for (const [series, sum] of this.sums) {
      if (sum.isZero) continue;
      const { family, tenant, labels } = series;
      const name = `${family}\0${tenant}\0${labels}`;
      const known = deltas.get(name);
      if (known === undefined) deltas.set(name, { family, tenant, labels, sum });
      else known.sum.addBig(BigInt(sum.value));
    }
    return [...deltas.values()].filter(({ sum }) => !sum.isZero);
  }
}
