import { setTimeout as pause } from 'node:timers/promises';

/** Resolves when `holds` does; the test's own time-out is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5);
}
