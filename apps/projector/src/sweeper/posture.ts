import type { AsideReason } from '@quipu/sweeper';

/** Under load the sweeper is often kept from judging for a moment; only what lasts is worth a word, ms. */
const LASTS_MS = 5_000;

/** Whether the sweeper judges, as it is told to people: no change that is over in a moment. */
export class Posture {
  private told: AsideReason | null | undefined;
  private judgedMs: number;

  /** @param nowMs a monotonic clock. */
  constructor(nowMs: number) {
    this.judgedMs = nowMs;
  }

  /**
   * Notes what a sweep came to: a reason to stand aside, or null.
   * @returns what is to be told now; undefined if that is nothing new.
   */
  note(reason: AsideReason | null, nowMs: number): AsideReason | null | undefined {
    if (reason === null) this.judgedMs = nowMs;
    else if (nowMs - this.judgedMs < LASTS_MS) return undefined;
    if (reason === this.told) return undefined;
    this.told = reason;
    return reason;
  }
}
