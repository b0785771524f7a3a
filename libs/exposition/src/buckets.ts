/** A bucket's upper bound as a number; `+Inf` is infinity. */
export function boundNumber(bound: string): number {
  return bound === '+Inf' ? Infinity : Number(bound);
}

/**
 * Which bucket of `bounds` (ascending, the last `+Inf`) takes what was counted under the bound `le`: the bucket
 * of that very bound, or, when bounds have been changed since, the next larger one.
 */
export function bucketIndex(bounds: readonly string[], le: string): number {
  const exact = bounds.indexOf(le);
  if (exact >= 0) return exact;
  const bound = boundNumber(le);
  const index = bounds.findIndex((candidate) => boundNumber(candidate) >= bound);
  return index >= 0 ? index : bounds.length - 1;
}
