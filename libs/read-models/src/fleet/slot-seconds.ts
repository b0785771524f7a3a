/** What workers did with their slots over a time, slot·milliseconds. */
export interface SlotTimes {
  readonly busy: bigint;
  readonly idle: bigint;
  readonly offline: bigint;
}

/**
 * What is shown of the sums of the three levels (docs/semantics.md, "Workers"): where jobs ran while no connection was
 * known, or more of them than there are slots, idle lacks time; it is taken from offline, then from busy. The sum, the
 * time that workers were registered, stays what it is.
 */
export function shownTimes({ busy, idle, offline }: SlotTimes): SlotTimes {
  const lack = idle < 0n ? -idle : 0n;
  const spare = offline > 0n ? offline : 0n;
  const moved = lack < spare ? lack : spare;
  return { busy: busy - (lack - moved), idle: idle > 0n ? idle : 0n, offline: offline - moved };
}

/** The part of connected slots that was busy, 0 to 1 with four digits; null if none was connected. */
export function busyRatio({ busy, idle }: Pick<SlotTimes, 'busy' | 'idle'>): number | null {
  const connected = busy + idle;
  return connected <= 0n ? null : Number((busy * 10_000n) / connected) / 10_000;
}
