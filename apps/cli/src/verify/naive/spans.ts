/** A span of time, in ms since the epoch; `end` is null while it goes on. */
export interface Span {
  readonly start: number;
  readonly end: number | null;
}

/** The longest spans at whose instants at least one of `spans` is, in time order. */
export function union(spans: readonly Span[]): Span[] {
  const result: { start: number; end: number | null }[] = [];
  for (const { start, end } of spans.filter((span) => !isEmpty(span)).sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || endOf(last) < start) result.push({ start, end });
    else if (endOf({ start, end }) > endOf(last)) last.end = end;
  }
  return result;
}

/** What of `spans` (longest ones, in time order) lies in `within`. */
export function clipped(spans: readonly Span[], within: Span): Span[] {
  return spans
    .map((span) => spanOf(Math.max(span.start, within.start), Math.min(endOf(span), endOf(within))))
    .filter((span) => !isEmpty(span));
}

/** What of `within` none of `spans` (longest ones, in time order) covers. */
export function uncovered(spans: readonly Span[], within: Span): Span[] {
  const inside = clipped(spans, within);
  const borders = [within.start, ...inside.flatMap((span) => [span.start, endOf(span)]), endOf(within)];
  return borders.flatMap((start, index): Span[] => {
    const gap = index % 2 === 0 ? spanOf(start, borders[index + 1] ?? start) : null;
    return gap === null || isEmpty(gap) ? [] : [gap];
  });
}

function isEmpty(span: Span): boolean {
  return endOf(span) <= span.start;
}

function endOf({ end }: Span): number {
  return end ?? Infinity;
}

function spanOf(start: number, end: number): Span {
  return { start, end: end === Infinity ? null : end };
}
