/** One line of the bench's table. */
export interface BenchRow {
  /** Group the line belongs to: what `--only` names. */
  readonly bench: BenchName;
  /** What was measured. */
  readonly name: string;
  /** Ours and the reference, as people read them. */
  readonly ours: string;
  readonly reference: string;
  /** The same as plain numbers, in `unit`. */
  readonly oursValue: number;
  readonly referenceValue: number | null;
  readonly unit: string;
  /** How ours compares: more is better. Null where there is nothing to compare with. */
  readonly ratio: number | null;
  readonly floor: Floor | null;
}

/** What a line must reach. */
export interface Floor {
  /** Of what: the ratio, or our own number. */
  readonly of: 'ratio' | 'ours';
  readonly at: 'least' | 'most';
  readonly value: number;
  /** Where we want to be. */
  readonly goal?: number;
}

/** The benches, in the order they run. */
export const BENCHES = [
  'import',
  'drain',
  'http',
  'usage',
  'why',
  'rebuild',
  'restore',
  'latency',
  'scrape',
  'archive',
  'reporter',
  'memory',
] as const;

/** Name of a bench. */
export type BenchName = (typeof BENCHES)[number];

/** Whether a line reaches its floor; null where there is none. */
export function verdictOf(row: BenchRow): boolean | null {
  if (row.floor === null) return null;
  const measured = row.floor.of === 'ratio' ? row.ratio : row.oursValue;
  if (measured === null) return false;
  return row.floor.at === 'least' ? measured >= row.floor.value : measured <= row.floor.value;
}

/** The value below which a share of the samples lie: `percentile(times, 0.99)`. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** The middle and the slow end of what was measured, ms. */
export interface Measured {
  readonly p50: number;
  readonly p99: number;
}

/** Asks again and again, after some unmeasured times: `samples` times, or for as long as `budgetMs` lasts. */
export async function timeAnswers(
  { samples, warmUp, budgetMs = Infinity }: { samples: number; warmUp: number; budgetMs?: number },
  ask: () => Promise<unknown>,
): Promise<Measured> {
  for (let i = 0; i < Math.min(warmUp, samples); i += 1) await ask();
  const times: number[] = [];
  for (const startedAt = performance.now(); times.length < samples;) {
    const askedAt = performance.now();
    if (times.length > 0 && askedAt - startedAt > budgetMs) break;
    await ask();
    times.push(performance.now() - askedAt);
  }
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
