/** How long a counter may stand at more than twice the truth, ms. */
const GIVES_WAY_MS = 3_600_000;

interface Floor {
  readonly value: number;
  /** Since when it has been more than twice the truth, ms; null: it is not. */
  readonly doubtedMs: number | null;
}

/**
 * What counters showed last, by id: they do not fall. Node-seconds accrue by the clock, and what ends them may be told
 * late; the truth then lies below what was shown, and a counter that falls looks like a reset to who collects it. So the
 * highest value stands until the truth is beyond it. One that has stood at more than twice the truth for an hour gives
 * way: that was no lateness, but an import that was looked at half-way, or a clock that was wrong, and a counter that
 * stands still for months hides more than a reset does.
 */
export class CounterFloors {
  private readonly floors = new Map<string, Floor>();

  /** How many counters have shown something. */
  get size(): number {
    return this.floors.size;
  }

  /** Forgets all: they are counters of another ledger from now on. */
  clear(): void {
    this.floors.clear();
  }

  /** Takes over what a counter showed to others. */
  learn(id: string, value: number): void {
    this.floors.set(id, { value, doubtedMs: null });
  }

  /** The value to show for a counter that comes to `truth` at `nowMs`. */
  shown(id: string, truth: number, nowMs: number): number {
    const floor = this.next(this.floors.get(id), truth, nowMs);
    this.floors.set(id, floor);
    return floor.value;
  }

  private next(floor: Floor | undefined, truth: number, nowMs: number): Floor {
    if (floor === undefined || truth >= floor.value) return { value: truth, doubtedMs: null };
    if (floor.value <= 2 * truth) return { value: floor.value, doubtedMs: null };
    // A clock that was set back begins the hour anew.
    const since = Math.min(floor.doubtedMs ?? nowMs, nowMs);
    if (nowMs - since >= GIVES_WAY_MS) return { value: truth, doubtedMs: null };
    return { value: floor.value, doubtedMs: since };
  }
}
