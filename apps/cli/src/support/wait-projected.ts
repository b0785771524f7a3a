import { setTimeout as sleep } from 'node:timers/promises';
import { LEDGER_PROJECTION } from '@quipu/ledger';
import { ProjectionHaltedError } from '@quipu/platform';
import { readCheckpoint } from '@quipu/projection-engine';
import { type Pool } from 'pg';
import { withPatience } from './patience.js';

/** How {@link waitProjected} waits. */
export interface WaitOptions {
  /** Ends the waiting without an error. */
  readonly signal?: AbortSignal;
  /** Called after each look with the position that is projected. */
  readonly onProgress?: (position: bigint) => void;
}

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 200;

/**
 * Waits until the ledger stands at `position` or later.
 * @returns false if the signal ended the waiting.
 * @throws ProjectionHaltedError when the projection stands still at a poison event before it.
 */
export async function waitProjected(
  pool: Pool,
  position: bigint,
  options: WaitOptions = {},
): Promise<boolean> {
  let seen = -1n;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const checkpoint = await withPatience(() => readCheckpoint(pool, LEDGER_PROJECTION));
    const at = checkpoint?.position ?? 0n;
    options.onProgress?.(at);
    if (at >= position) return true;
    if (checkpoint !== null && checkpoint.haltedPosition !== null) {
      throw new ProjectionHaltedError(
        `The ledger stands still at position ${checkpoint.haltedPosition}: ${checkpoint.haltedError ?? 'unknown error'}.`,
        { hint: 'Everything is in the log and nothing is lost; `./quipu status` shows the state.' },
      );
    }
    if (options.signal?.aborted) return false;
    if (at > seen) pause = FIRST_PAUSE_MS;
    seen = at;
    await sleep(pause);
  }
}
