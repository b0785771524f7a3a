/** One end of an interval: a level goes up (`start`) or down (`end`) at the instant `t` (ms). */
export interface Edge {
  readonly t: number;
  readonly kind: 'start' | 'end';
}

/** A half-open interval `[start, end)` in ms; `end` is null while nothing has closed it. */
export interface Interval {
  readonly start: number;
  readonly end: number | null;
}

/** What a walk over a life's edges found. */
export interface Walk {
  /** Closed intervals in order; at most the last one is open. Two that touch stay two. */
  readonly intervals: readonly Interval[];
  /** How many ends met nothing open, over the whole walk. */
  readonly held: number;
}

/**
 * Turns the edges of one life into intervals, independently of the order they are given in.
 *
 * Walks the distinct instants in order with `level := clamp(level + starts − ends, 0, 1)`: an end while up
 * closes the interval, a start left over at that instant opens the next, a second start of a live entity is
 * the same life, and an end that meets nothing open is held (docs/semantics.md, "Edges and intervals").
 * Taking minima instead would bill allocate 0, release 10, allocate 20, release 30 as thirty seconds.
 */
export function walkEdges(edges: readonly Edge[]): Walk {
  const sorted = [...edges].sort((a, b) => a.t - b.t);
  const intervals: Interval[] = [];
  let openedAt: number | null = null;
  let held = 0;
  for (let i = 0; i < sorted.length;) {
    const t = sorted[i]!.t;
    let starts = 0;
    let ends = 0;
    for (; i < sorted.length && sorted[i]!.t === t; i++) {
      if (sorted[i]!.kind === 'start') starts++;
      else ends++;
    }
    if (openedAt === null) {
      if (starts > ends) openedAt = t;
      else held += ends - starts;
    } else if (ends > 0) {
      intervals.push({ start: openedAt, end: t });
      openedAt = starts >= ends ? t : null;
      held += Math.max(0, ends - 1 - starts);
    }
  }
  if (openedAt !== null) intervals.push({ start: openedAt, end: null });
  return { intervals, held };
}
