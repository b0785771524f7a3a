import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosWorker } from './chaos-worker.js';
import { seededRandom } from './seeded-random.js';

/** What befalls workers. */
export interface HavocOptions {
  readonly seed: number;
  /** How long a worker may be silent, ms. */
  readonly leaseMs: number;
}

/** Kills and freezes workers, over and over, the same ones in the same order for a seed. */
export function startHavoc(
  victims: readonly ChaosWorker[],
  { seed, leaseMs }: HavocOptions,
): { stop: () => Promise<void> } {
  const random = seededRandom(seed);
  const stopping = new AbortController();
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const one = async (worker: ChaosWorker): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(1_000 + random() * 2_000);
      const choice = random();
      if (choice < 0.5) {
        await worker.kill();
        await pause(random() * 2_000);
      } else {
        const thaw = worker.freeze();
        // Well within the lease, though the last heartbeat was a third of it ago; or well beyond.
        await pause(choice < 0.8 ? leaseMs * (1 + random()) * 0.17 : 2 * leaseMs);
        thaw();
      }
      if (worker.current === undefined) worker.start();
    }
  };
  const all = Promise.all(victims.map(one));
  return {
    async stop() {
      stopping.abort();
      await all;
    },
  };
}
