/** What a verdict is made from. Rates are per minute, over the last five minutes. */
export interface VerdictFacts {
  readonly queued: number;
  readonly inProgress: number;
  readonly oldestWaitingMs: number | null;
  /** Jobs that began to wait, per minute. */
  readonly arrivals: number;
  /** Jobs that ceased to wait, per minute. */
  readonly departures: number;
  /** Jobs whose run ended, per minute. */
  readonly completions: number;
  /** A job ceased to wait within the last 15 minutes. */
  readonly recentlyTaken: boolean;
  /** A run ended within the last 15 minutes. */
  readonly recentlyEnded: boolean;
  /** Workers able to serve the queue; null if that cannot be told. */
  readonly workers: number | null;
  /** Some worker was seen to serve it lately, whatever became of it. */
  readonly workersSeen: boolean;
}

/** A job that has just come may be taken at any moment: only after this it counts as left alone, ms. */
const GRACE_MS = 60_000;
/** What has waited for longer than rates reach back, while nothing was taken, stands still, ms. */
const STILL_MS = 15 * 60_000;

/**
 * One plain sentence about a queue. It grows or drains when arrivals and departures differ by more than a tenth of the
 * larger and by at least two jobs in five minutes; nothing serves it when a job has waited for a minute, nothing of the
 * queue is in progress, and no worker is able to: those that were seen to serve it are gone, or nothing of it was taken
 * within 15 minutes (jobs need not name their workers); it stands when a job has waited for 15
 * minutes and none was taken.
 */
export function verdictOf(facts: VerdictFacts): string {
  const { queued, inProgress, oldestWaitingMs, arrivals, departures, completions } = facts;
  const { recentlyTaken, recentlyEnded } = facts;
  const abandoned = facts.workersSeen || (!recentlyTaken && !recentlyEnded);
  if ((oldestWaitingMs ?? 0) >= GRACE_MS && facts.workers === 0 && inProgress === 0 && abandoned) {
    return 'nothing serves this queue';
  }
  if ((oldestWaitingMs ?? 0) >= STILL_MS && !recentlyTaken) return 'standing: nothing taken for 15 minutes';
  const difference = arrivals - departures;
  const both = `${shown(arrivals)} in, ${shown(departures)} out per minute`;
  const matters = Math.abs(difference) > Math.max(arrivals, departures) / 10 && Math.abs(difference) >= 0.4;
  if (matters && difference > 0) return `growing: ${both}`;
  if (matters && queued > 0) return `draining: ${both}`;
  const still = queued === 0 && inProgress === 0 && arrivals === 0 && departures === 0 && completions === 0;
  if (still) return 'idle';
  return arrivals === 0 && departures === 0 ? 'steady' : `steady: ${both}`;
}

/** A rate as people say it: whole from ten on, one digit below. */
function shown(rate: number): string {
  return rate >= 10 || Number.isInteger(rate) ? String(Math.round(rate)) : rate.toFixed(1);
}
