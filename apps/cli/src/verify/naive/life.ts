/** An edge of a life: it starts or ends at `time` (ms since the epoch). */
export interface Edge {
  readonly time: number;
  readonly kind: 'start' | 'end';
}

/** A life as its edges tell it, before anything else closes its open tail. */
export interface Life {
  /** In time order; the last one has no end when it is the open tail. */
  readonly intervals: readonly { readonly start: number; readonly end: number | null }[];
  /** The open tail is empty, because an end that met nothing open belongs to it. */
  readonly skewed: boolean;
}

/** Walks the edges of one life, instant by instant, as docs/semantics.md words it. */
export function walkLife(edges: readonly Edge[]): Life {
  const instants = new Map<number, { starts: number; ends: number }>();
  for (const edge of edges) {
    const at = instants.get(edge.time) ?? { starts: 0, ends: 0 };
    if (edge.kind === 'start') at.starts += 1;
    else at.ends += 1;
    instants.set(edge.time, at);
  }

  const intervals: { start: number; end: number | null }[] = [];
  let openedAt: number | null = null;
  let held = 0;
  for (const [instant, { starts, ends }] of [...instants].sort(([a], [b]) => a - b)) {
    if (openedAt !== null) {
      if (ends === 0) continue;
      intervals.push({ start: openedAt, end: instant });
      openedAt = starts >= ends ? instant : null;
      if (starts < ends - 1) held += ends - 1 - starts;
    } else if (starts > ends) {
      openedAt = instant;
    } else {
      held += ends - starts;
    }
  }
  if (openedAt !== null) intervals.push({ start: openedAt, end: null });
  return { intervals, skewed: openedAt !== null && held >= 1 };
}
