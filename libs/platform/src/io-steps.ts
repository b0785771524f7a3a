import { appendFileSync } from 'node:fs';

/**
 * Numbered I/O steps. Writers call `step` before and after each I/O, so that a crash test can kill the
 * process at every single one of them. In production a step is a no-op.
 */
export interface IoSteps {
  step(label: string): Promise<void> | void;
}

/** The steps of production: nothing happens. */
export const noIoSteps: IoSteps = { step: () => undefined };

/**
 * Steps driven by the environment: `QUIPU_KILL_AT_STEP=<k>` ends this process with SIGKILL at its k-th
 * step (from 1), or with `<label>` at the first step of that label; `QUIPU_STOP_AT_STEP`, with either,
 * stops it with SIGSTOP once, until somebody sends SIGCONT; `QUIPU_COUNT_STEPS=<file>` appends a line
 * `<k> <label>` per step. Without any of them, no-ops.
 */
export function createIoSteps(env: NodeJS.ProcessEnv = process.env): IoSteps {
  const killAt = env['QUIPU_KILL_AT_STEP'];
  let stopAt = env['QUIPU_STOP_AT_STEP'];
  const countFile = env['QUIPU_COUNT_STEPS'];
  if (!killAt && !stopAt && !countFile) return noIoSteps;
  let taken = 0;
  return {
    step(label) {
      taken += 1;
      const here = (place: string | undefined): boolean => place === label || place === String(taken);
      if (countFile) appendFileSync(countFile, `${taken} ${label}\n`);
      if (here(stopAt)) {
        stopAt = undefined;
        process.kill(process.pid, 'SIGSTOP');
        letSignalArrive();
      }
      if (!here(killAt)) return undefined;
      process.kill(process.pid, 'SIGKILL');
      // The signal may reach another thread first: nothing after the step may run meanwhile.
      return new Promise<void>(() => undefined);
    },
  };
}

/** A stop may reach another thread first: this one must not get to its next I/O meanwhile. */
function letSignalArrive(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}
