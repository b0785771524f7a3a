import type { SlotStates } from '@quipu/ledger';

/** The part of connected slots that was busy, 0 to 1 with four digits; null if none was connected. */
export function busyRatio({ busy, idle }: Pick<SlotStates, 'busy' | 'idle'>): number | null {
  const connected = busy + idle;
  return connected <= 0n ? null : Number((busy * 10_000n) / connected) / 10_000;
}
