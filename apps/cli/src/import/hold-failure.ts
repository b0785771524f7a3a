/**
 * Things up to where their source fails, if it does: who takes them finishes with what came before, as if that were all,
 * and is told by `throwIfFailed` afterwards.
 */
export function holdFailure<T>(source: AsyncIterable<T>): {
  readonly items: AsyncIterable<T>;
  throwIfFailed(): void;
} {
  let failure: { readonly error: unknown } | undefined;
  async function* items(): AsyncGenerator<T> {
    const iterator = source[Symbol.asyncIterator]();
    for (;;) {
      let next: IteratorResult<T>;
      try {
        next = await iterator.next();
      } catch (error) {
        failure = { error };
        return;
      }
      if (next.done) return;
      yield next.value;
    }
  }
  return {
    items: items(),
    throwIfFailed: () => {
      if (failure !== undefined) throw failure.error;
    },
  };
}
