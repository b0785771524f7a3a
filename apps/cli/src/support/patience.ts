import { setTimeout as sleep } from 'node:timers/promises';
import { classifyPgError, StoreUnavailableError } from '@quipu/platform';

/** How long and in what manner {@link withPatience} goes on. */
export interface Patience {
  /** Whether the failure may pass by itself; default: {@link isPassing}. */
  readonly passes?: (error: unknown) => boolean;
  /** Gives up after this long (ms); default two minutes. */
  readonly giveUpAfterMs?: number;
  /** Called once when the waiting begins. */
  readonly onWait?: (error: unknown) => void;
  /** Ends the waiting: the last error is thrown. */
  readonly signal?: AbortSignal;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const GIVE_UP_MS = 120_000;

/** Network words of Redis clients and sockets that mean: try again later. */
const PASSING =
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|Connection is closed|Stream isn't writeable|max retries per request|Command timed out|LOADING|READONLY|Connection terminated|Connection ended/i;

/** Whether a failure of Postgres or Redis passes by itself: they restart, connections come back. */
export function isPassing(error: unknown): boolean {
  if (error instanceof StoreUnavailableError) return true;
  if (error instanceof Error && PASSING.test(`${error.name} ${error.message}`)) return true;
  return classifyPgError(error) === 'retry';
}

/**
 * Does something again until it works, as long as what stops it may pass by itself. The work must be safe to
 * repeat: a failure may have come after its effect.
 * @throws what `work` throws, when it does not pass or the patience is at its end.
 */
export async function withPatience<T>(work: () => Promise<T>, patience: Patience = {}): Promise<T> {
  const passes = patience.passes ?? isPassing;
  const deadline = Date.now() + (patience.giveUpAfterMs ?? GIVE_UP_MS);
  for (let pause = FIRST_PAUSE_MS, tries = 0; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS), tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error) || patience.signal?.aborted || Date.now() + pause > deadline) throw error;
      if (tries === 0) patience.onWait?.(error);
      await sleep(pause);
    }
  }
}
