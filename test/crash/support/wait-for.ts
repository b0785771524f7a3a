import { setTimeout as delay } from 'node:timers/promises';

/** How long to wait for a condition, and how often to look. */
export interface WaitOptions {
  /** Milliseconds until it counts as failed. */
  readonly withinMs: number;
  /** Milliseconds between two looks; default 40. */
  readonly everyMs?: number;
  /** What to add to the error when the condition never came true. */
  readonly explain?: () => string;
}

/**
 * Looks until `probe` gives something truthy, and returns that. A probe that throws counts as "not yet":
 * the services it asks may be down at this moment.
 * @throws Error naming `what`, the last error of the probe and the explanation, when the time is over.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  options: WaitOptions,
): Promise<T> {
  const deadline = Date.now() + options.withinMs;
  let lastError = '';
  for (;;) {
    try {
      const found = await probe();
      if (found) return found;
      lastError = '';
    } catch (error) {
      lastError = ` Last error: ${String(error)}.`;
    }
    if (Date.now() > deadline) {
      throw new Error(
        `Not within ${options.withinMs} ms: ${what}.${lastError}\n${options.explain?.() ?? ''}`,
      );
    }
    await delay(options.everyMs ?? 40);
  }
}
