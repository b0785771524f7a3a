import { canonicalLabels } from '@quipu/ledger';

/** What names a total among the marks. */
export function markKey(stored: string, tenant: string, labels: Readonly<Record<string, string>>): string {
  return `${stored}\n${tenant}\n${canonicalLabels(labels)}`;
}

/**
 * The highest value that each counter which accrues has shown. Time accrues by the clock, and what ends it may be told
 * late: the truth then lies below what was shown, and a counter that goes back looks like a restart to whoever scrapes
 * it. So the highest value stands until the truth is beyond it. Kept per total of a tenant, whoever has seen it: a sum
 * of totals that never go back does not either.
 */
export class HighMarks {
  private readonly marks = new Map<string, bigint>();

  /** The value to show for a total; at least 0. */
  raise(key: string, value: bigint): bigint {
    const highest = this.marks.get(key) ?? 0n;
    if (value <= highest) return highest;
    this.marks.set(key, value);
    return value;
  }
}
