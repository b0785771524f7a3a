import { type BucketKind, bucketStart } from './buckets.js';

/**
 * The changes of one level within one bucket, summed: enough to answer the level's integral up to any instant
 * at or after `maxT`, and up to any instant at or after the bucket's end, without the changes themselves.
 */
export interface LevelSumRow {
  readonly bucketKind: BucketKind;
  /** Start of the bucket, ms. */
  readonly bucket: number;
  /** Σ d over the bucket's changes. */
  readonly d: bigint;
  /** Σ d·(t − bucket), level·ms. */
  readonly w: bigint;
  /** Number of changes; a row with none does not exist. */
  readonly n: bigint;
  /** Time of the latest change (quarter-hours only), ms. */
  readonly maxT: number | null;
}

/** A single change of a level: `d` up or down at the instant `t` (ms). */
export interface LevelStep {
  readonly t: number;
  readonly d: bigint | number;
}

/**
 * The running sums `D = Σ d` and `S = Σ d·t` over the changes seen so far. The level after them is `D`; its
 * integral from the beginning of time up to `T` is `D·T − S` (docs/semantics.md, "Level sums"). Exact.
 */
export class LevelAccumulator {
  private d = 0n;
  private s = 0n;

  /** Adds a whole bucket. */
  addRow(row: Pick<LevelSumRow, 'bucket' | 'd' | 'w'>): void {
    this.d += row.d;
    this.s += row.w + row.d * BigInt(row.bucket);
  }

  /** Adds one change. */
  addStep(step: LevelStep): void {
    const d = BigInt(step.d);
    this.d += d;
    this.s += d * BigInt(step.t);
  }

  /** The level after every change added so far. */
  get level(): bigint {
    return this.d;
  }

  /** ∫ level dt up to `t` (ms), in level·ms; right only when every change up to `t`, and none after it, was added. */
  integralTo(t: number): bigint {
    return this.d * BigInt(t) - this.s;
  }
}

/** ∫ level dt over `[from, to)` by brute force over single changes, level·ms: the definition, for checking. */
export function integrateSteps(steps: readonly LevelStep[], from: number, to: number): bigint {
  if (to <= from) return 0n;
  let sum = 0n;
  for (const { t, d } of steps) {
    if (t < to) sum += BigInt(d) * BigInt(to - Math.max(t, from));
  }
  return sum;
}

/** The level right after the changes at or before `t`. */
export function levelAt(steps: readonly LevelStep[], t: number): bigint {
  let level = 0n;
  for (const step of steps) if (step.t <= t) level += BigInt(step.d);
  return level;
}

/** Sums changes into the rows of one bucket kind, as the projection stores them; rows without changes are left out. */
export function sumSteps(
  steps: readonly (LevelStep & { readonly n?: number })[],
  kind: BucketKind,
): LevelSumRow[] {
  const rows = new Map<number, { d: bigint; w: bigint; n: bigint; maxT: number }>();
  for (const step of steps) {
    const bucket = bucketStart(kind, step.t);
    const row = rows.get(bucket) ?? { d: 0n, w: 0n, n: 0n, maxT: step.t };
    const d = BigInt(step.d);
    row.d += d;
    row.w += d * BigInt(step.t - bucket);
    row.n += BigInt(step.n ?? 1);
    row.maxT = Math.max(row.maxT, step.t);
    rows.set(bucket, row);
  }
  return [...rows]
    .filter(([, row]) => row.n !== 0n)
    .sort(([a], [b]) => a - b)
    .map(([bucket, row]) => ({
      bucketKind: kind,
      bucket,
      d: row.d,
      w: row.w,
      n: row.n,
      maxT: kind === 1 ? row.maxT : null,
    }));
}
