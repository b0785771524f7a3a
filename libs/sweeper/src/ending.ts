import type { LifeKey, Sign } from './life.js';

/** An attempt of a job that was ended by estimate, since a life of its worker was taken for lost. */
export interface Ending extends LifeKey {
  /** Tenant of the job. */
  readonly jobTenant: string;
  /** Subject of the job. */
  readonly job: string;
  readonly attempt: number;
  /** When it is taken to have ended, ms. */
  endedMs: number;
  /** The first sign of that life after the end that the log tells of: the attempt goes on. Null while there is none. */
  wokenBy: Sign | null;
}

/** Notes a sign of the life that an attempt ended with. The first in the order of the log counts. */
export function wake(ending: Ending, sign: Sign | null): void {
  if (ending.wokenBy === null && sign !== null && sign.timeMs > ending.endedMs) ending.wokenBy = sign;
}
