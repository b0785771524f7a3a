import { type Amount } from '../entities/types.js';
import { ExactSum } from './exact-sum.js';

/** What a batch adds to one amount. */
export interface AmountDelta {
  readonly family: string;
  readonly tenant: string;
  /** Canonical JSON of the labels: keys sorted by UTF-16 code units. */
  readonly labels: string;
  readonly sum: ExactSum;
}

/** Canonical JSON of a label set. */
export function canonicalLabels(labels: Readonly<Record<string, string>>): string {
  let last = '';
  for (const name in labels) {
    if (name < last) return JSON.stringify(Object.fromEntries(Object.entries(labels).sort(byName)));
    last = name;
  }
  return JSON.stringify(labels);
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

/** Nets the amounts of a batch by series. */
export class AmountBatch {
  private readonly deltas = new Map<string, AmountDelta>();

  /** Adds an amount (`sign` 1) or takes one back (-1). */
  add(amount: Amount, sign: 1 | -1): void {
    const { family, tenant } = amount;
    const labels = canonicalLabels(amount.labels);
    const name = `${family}\0${tenant}\0${labels}`;
    let delta = this.deltas.get(name);
    if (delta === undefined) {
      delta = { family, tenant, labels, sum: new ExactSum() };
      this.deltas.set(name, delta);
    }
    delta.sum.add(sign * amount.value);
  }

  /** The series that the batch changes. */
  finish(): AmountDelta[] {
    return [...this.deltas.values()].filter((delta) => !delta.sum.isZero);
  }
}
