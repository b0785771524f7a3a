import { StoreUnavailableError } from '@quipu/platform';

/**
 * The answer of `work`, or a failure after `ms` milliseconds: a Redis that swallows commands must not hold up what
 * waits for it. The work itself goes on; whatever it still does is fenced by positions.
 * @throws StoreUnavailableError on time-out.
 */
export function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // A process that stood still finds its timers due before it looks at what has come meanwhile: that is let in first.
    timer = setTimeout(
      () => setImmediate(() => reject(new StoreUnavailableError(`${what} took more than ${ms} ms.`))),
      ms,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
