import { levelIntervals, type LevelName } from '@quipu/ledger';
import type { Span } from '@quipu/metering';
import { type Dimension, type UsageFilters } from '../usage/dimensions.js';
import type { UsageGroup } from '../usage/usage-queries.js';
import { passes } from './entity-condition.js';
import type { TouchedEntity } from './touched-entities.js';

/** What a correction sums. */
export interface CorrectionWish {
  readonly level: LevelName;
  readonly filters: UsageFilters;
  readonly groupBy: readonly Dimension[];
  /** Ascending instants (ms): the boundaries of the buckets, or the instants of levels. */
  readonly instants: readonly number[];
}

interface Slot {
  d: bigint;
  s: bigint;
}

/**
 * Contributions then minus contributions now, summed at instants: for each, Σ d and Σ d·t over the level changes at or
 * before it. A change is added once, at the first instant that sees it, so a long interval costs no more than a short
 * one, however many buckets it spans.
 */
export class UsageCorrection {
  /** The earliest level change of the entities as they were, ms; of the level and the owner, other filters ignored. */
  earliestThen: number | null = null;
  /** Matching level changes then, minus those now. */
  changes = 0n;
  private readonly groups = new Map<string, { group: UsageGroup['group']; slots: Map<number, Slot> }>();

  constructor(
    private readonly wish: CorrectionWish,
    private readonly owner: Pick<UsageFilters, 'tenant' | 'user'>,
  ) {}

  /** Takes one entity into account. */
  add({ key, now, then }: TouchedEntity): void {
    this.addState(key, now, -1n);
    this.addState(key, then, 1n);
  }

  /** Per group: Σ d·(T − t) at each instant T. */
  integrals(): { group: UsageGroup['group']; values: bigint[] }[] {
    return this.at((slot, instant) => slot.d * BigInt(instant) - slot.s);
  }

  /** Per group: the level at each instant. */
  levels(): { group: UsageGroup['group']; values: bigint[] }[] {
    return this.at((slot) => slot.d);
  }

  private addState(key: TouchedEntity['key'], state: unknown, sign: bigint): void {
    const { level, filters, groupBy } = this.wish;
    for (const interval of levelIntervals(key, state, level)) {
      const { dims, start, end } = interval;
      if (sign > 0n && passes(dims, this.owner)) {
        this.earliestThen = Math.min(this.earliestThen ?? start, start);
      }
      if (!passes(dims, filters)) continue;
      const values = groupBy.map((dimension) => dims[dimension]);
      const name = JSON.stringify(values);
      let found = this.groups.get(name);
      if (found === undefined) {
        const group = Object.fromEntries(groupBy.map((dimension, i) => [dimension, values[i] ?? null]));
        this.groups.set(name, (found = { group, slots: new Map() }));
      }
      const d = sign * BigInt(interval.d);
      this.change(found.slots, start, d);
      if (end !== null) this.change(found.slots, end, -d);
      this.changes += sign * (end === null ? 1n : 2n);
    }
  }

  private change(slots: Map<number, Slot>, t: number, d: bigint): void {
    const place = firstAtOrAfter(this.wish.instants, t);
    if (place === this.wish.instants.length) return;
    let slot = slots.get(place);
    if (slot === undefined) slots.set(place, (slot = { d: 0n, s: 0n }));
    slot.d += d;
    slot.s += d * BigInt(t);
  }

  private at(
    value: (slot: Slot, instant: number) => bigint,
  ): { group: UsageGroup['group']; values: bigint[] }[] {
    return [...this.groups.values()].map(({ group, slots }) => {
      const sum: Slot = { d: 0n, s: 0n };
      const values = this.wish.instants.map((instant, i) => {
        const slot = slots.get(i);
        if (slot !== undefined) {
          sum.d += slot.d;
          sum.s += slot.s;
        }
        return value(sum, instant);
      });
      return { group, values };
    });
  }
}

/** Place of the first instant that is not before `t`; the length if all are. */
function firstAtOrAfter(instants: readonly number[], t: number): number {
  let low = 0;
  let high = instants.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (instants[middle]! < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The boundaries of buckets that touch, each cut at `cut`: one more than there are buckets. */
export function boundariesOf(buckets: readonly Span[], cut: number): number[] {
  const first = buckets[0];
  if (first === undefined) return [];
  return [first.start, ...buckets.map((bucket) => bucket.end)].map((t) => Math.min(t, cut));
}
