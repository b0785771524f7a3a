/** A resolution of {@link DirectArchive}. */
export interface DirectDefinition {
  readonly granularityNs: bigint;
  readonly points: number | null;
}

/** A policy of {@link DirectArchive}. */
export interface DirectPolicy {
  readonly backWindow: number;
  readonly definition: readonly DirectDefinition[];
  readonly aggregationMethods: readonly string[];
}

/** A measure: nanoseconds since the epoch, and a value. */
export type DirectMeasure = readonly [bigint, number];

/**
 * What the series of one metric must be, computed in the plainest way from every measure that was ever taken: nothing is
 * forgotten, nothing is kept incrementally. It shares no code with the archive.
 */
export class DirectArchive {
  private readonly measures = new Map<bigint, number>();
  /** Measures before this time are too late for good. */
  private closedTo = 0n;
  /** Measures that came too late. */
  late = 0;

  /** @param policy its back window may be changed between passes. */
  constructor(public policy: DirectPolicy) {}

  /** What one pass takes in, in order of arrival. */
  pass(arrived: readonly DirectMeasure[]): void {
    const limit = this.firstAccepted();
    const seen = new Set<bigint>();
    let taken = false;
    for (const [at, value] of arrived) {
      if (seen.has(at)) continue;
      seen.add(at);
      if (limit !== null && at < limit) this.late += 1;
      else {
        this.measures.set(at, value);
        taken = true;
      }
    }
    // What is closed once stays so, also when the window is made wider.
    if (taken) this.closedTo = this.firstAccepted() ?? 0n;
  }

  /** The first time at which a measure is taken; null: any. */
  private firstAccepted(): bigint | null {
    if (this.measures.size === 0) return null;
    const { backWindow, definition, aggregationMethods } = this.policy;
    const block = definition.map(({ granularityNs }) => granularityNs).reduce((a, b) => (a > b ? a : b));
    const newest = [...this.measures.keys()].reduce((a, b) => (a > b ? a : b));
    const blocks = backWindow + (aggregationMethods.some((name) => name.startsWith('rate:')) ? 1 : 0);
    const opens = (newest / block) * block - block * BigInt(blocks);
    return opens > this.closedTo ? opens : this.closedTo;
  }

  /** The series of a method: `[start of the bucket in ns, value]`, in order. */
  series(method: string, { granularityNs, points }: DirectDefinition): DirectMeasure[] {
    let sorted = [...this.measures].sort(([a], [b]) => (a < b ? -1 : 1));
    let plain = method;
    if (method.startsWith('rate:')) {
      plain = method.slice('rate:'.length);
      sorted = sorted.slice(1).map(([at, value], i) => [at, value - sorted[i]![1]]);
    }
    const buckets = new Map<bigint, number[]>();
    for (const [at, value] of sorted) {
      const start = at - (at % granularityNs);
      buckets.set(start, [...(buckets.get(start) ?? []), value]);
    }
    const series: DirectMeasure[] = [];
    for (const [start, values] of buckets) {
      const value = directValue(plain, values);
      if (value !== null) series.push([start, value]);
    }
    if (points === null || series.length === 0) return series;
    const oldest = series.at(-1)![0] - granularityNs * BigInt(points);
    return series.filter(([start]) => start > oldest);
  }
}

/** The value of a method; null: it has none. */
export function directValue(method: string, values: readonly number[]): number | null {
  const total = values.reduce((sum, value) => sum + value, 0);
  const sized = values.toSorted((a, b) => (Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b));
  const size = values.length;
  switch (method) {
    case 'sum':
      return total;
    case 'mean':
      return total / size;
    case 'count':
      return size;
    case 'first':
      return values[0]!;
    case 'last':
      return values.at(-1)!;
    case 'min':
      return sized[0]!;
    case 'max':
      return sized.at(-1)!;
    case 'median':
      return (sized[Math.ceil(size / 2) - 1]! + sized[Math.floor(size / 2)]!) / 2;
    case 'std': {
      if (size < 2) return null;
      const squares = values.map((value) => (value - total / size) * (value - total / size));
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / (size - 1));
    }
    default: {
      const rank = (size - 1) * (Number(method.replace('pct', '')) / 100);
      const below = Math.floor(rank);
      const above = Math.ceil(rank);
      if (below === above) return sized[below]!;
      return sized[below]! * (above - rank) + sized[above]! * (rank - below);
    }
  }
}
