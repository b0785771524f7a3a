import type { LogEvent } from '@quipu/contracts';

/** How long a report may take to reach the log before it is sent again, ms; twice as long each time, up to an hour. */
const FIRST_PATIENCE_MS = 10_000;
const LAST_PATIENCE_MS = 3_600_000;

/**
 * What was put into the queue lately. It comes back by the log within moments; until then it is not sent again with
 * every sweep, and what never comes back (a Redis that lost it, an identity that somebody else has taken) less and less
 * often.
 */
export class SentReports {
  private readonly sent = new Map<string, { atMs: number; patienceMs: number }>();

  /** Of these events, those to be sent now. @param nowMs a monotonic clock. */
  due(events: readonly LogEvent[], nowMs: number): LogEvent[] {
    return events.filter(({ id }) => {
      const known = this.sent.get(id);
      return known === undefined || nowMs - known.atMs >= known.patienceMs;
    });
  }

  /** These events are in the queue. */
  note(events: readonly LogEvent[], nowMs: number): void {
    for (const { id } of events) {
      const patienceMs = (this.sent.get(id)?.patienceMs ?? FIRST_PATIENCE_MS / 2) * 2;
      this.sent.set(id, { atMs: nowMs, patienceMs: Math.min(patienceMs, LAST_PATIENCE_MS) });
    }
    // Most never need to be remembered for longer than the log takes to tell them back.
    for (const [id, { atMs }] of this.sent) {
      if (nowMs - atMs > 2 * LAST_PATIENCE_MS) this.sent.delete(id);
    }
  }
}
