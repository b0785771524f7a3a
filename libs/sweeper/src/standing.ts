import type { Outlook } from './outlook.js';

/** Why the sweeper does not judge. */
export type AsideReason = 'queue' | 'lag' | 'halted' | 'hearing' | 'redis' | 'slow';

/** Each reason in words. */
export const ASIDE_REASONS: Readonly<Record<AsideReason, string>> = {
  queue: 'events wait in the queue or are coming in',
  lag: 'the ledger is behind the log',
  halted: 'the ledger stands still at an event it cannot fold',
  hearing: 'not yet everybody had the time to be heard since the start or an outage',
  slow: 'it takes too long to judge: what is found is of another time before it is said',
  redis: 'the queue does not answer or takes no events',
};

/** Lag of the ledger from which nobody is judged, ms. */
const MOST_LAG_MS = 1_000;

/** What a judgement depends on beside the workers. */
export interface Circumstances {
  readonly leaseMs: number;
  /** Since when everything has been able to hear, ms; null while something is away. */
  readonly hearingSinceMs: number | null;
  /** Jobs in the queue of events that are not done, in whatever state. */
  readonly queued: number;
  /** Before the queue was looked at, and when it was judged. */
  readonly looked: Outlook;
  readonly judged: Outlook;
}

/**
 * Why nobody may be judged now, or null. What waits in the queue, or has come in since the look at it, may be the sign
 * of life that is missed; what the ledger has not folded may be the end of a job.
 */
export function whyAside(at: Circumstances): AsideReason | null {
  const { leaseMs, hearingSinceMs, queued, looked, judged } = at;
  if (hearingSinceMs === null) return 'redis';
  if (queued > 0) return 'queue';
  if (judged.halted) return 'halted';
  if (judged.ledger === null || judged.lagMs >= MOST_LAG_MS) return 'lag';
  if (looked.nowMs - hearingSinceMs < leaseMs) return 'hearing';
  if (judged.head !== looked.head || judged.position < judged.head) return 'queue';
  return null;
}
