import type { WhyItem } from './why-item.js';

/** The place of an item among all items of a number: largest first, then by entity, life and start. */
export interface WhyPlace {
  readonly amount: bigint;
  readonly tenant: string;
  readonly id: string;
  readonly life: string;
  readonly start: number | null;
}

/** An item and the state it was found in. */
export interface FoundItem {
  readonly item: WhyItem;
  readonly state: unknown;
}

/** The place of an item. Unique: within a life no two intervals begin at the same instant. */
export function placeOf({ amount, key, life, start }: WhyItem): WhyPlace {
  return { amount, tenant: key.tenant, id: key.id, life, start };
}

/** Negative when `a` is listed before `b`. */
export function comparePlaces(a: WhyPlace, b: WhyPlace): number {
  if (a.amount !== b.amount) return a.amount > b.amount ? -1 : 1;
  return (
    compareText(a.tenant, b.tenant) ||
    compareText(a.id, b.id) ||
    compareText(a.life, b.life) ||
    (a.start ?? 0) - (b.start ?? 0)
  );
}

/** Keeps the first `limit` items after a place, in memory for twice as many, and whether there are more. */
export class TopItems {
  private kept: (FoundItem & { place: WhyPlace })[] = [];
  private dropped = false;

  constructor(
    private readonly limit: number,
    private readonly after: WhyPlace | null,
  ) {}

  /** Takes an item, or leaves it if it belongs to another page. */
  add(item: WhyItem, state: unknown): void {
    const place = placeOf(item);
    if (this.after !== null && comparePlaces(place, this.after) <= 0) return;
    this.kept.push({ item, state, place });
    if (this.kept.length >= 2 * this.limit + 2) this.cut();
  }

  /** The page, in order, and the place after which the next one begins; null when this is the last. */
  finish(): { items: FoundItem[]; next: WhyPlace | null } {
    this.cut();
    const last = this.kept.at(-1);
    return { items: this.kept, next: this.dropped && last !== undefined ? last.place : null };
  }

  private cut(): void {
    this.kept.sort((a, b) => comparePlaces(a.place, b.place));
    if (this.kept.length > this.limit) this.dropped = true;
    this.kept = this.kept.slice(0, this.limit);
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
