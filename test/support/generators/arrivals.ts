import fc from 'fast-check';

/** All of `values` in another order. */
export function permuted<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...values], { minLength: values.length, maxLength: values.length });
}

/** All of `values` in another order, some of them more than once. */
export function repeated<T>(values: readonly T[]): fc.Arbitrary<T[]> {
  return fc
    .tuple(fc.constant(values), fc.subarray([...values]), fc.subarray([...values]))
    .chain(([all, again, thrice]) => permuted([...all, ...again, ...thrice]));
}

/** `values` cut into batches, in order; none of them is empty. */
export function cut<T>(values: readonly T[], maxBatch = 20): fc.Arbitrary<T[][]> {
  return fc
    .array(fc.integer({ min: 1, max: maxBatch }), { minLength: values.length, maxLength: values.length })
    .map((sizes) => {
      const batches: T[][] = [];
      let from = 0;
      for (const size of sizes) {
        if (from >= values.length) break;
        batches.push(values.slice(from, from + size));
        from += size;
      }
      return batches;
    });
}
