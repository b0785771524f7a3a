import { randomFillSync } from 'node:crypto';

/** Ids for which randomness is drawn at once. */
const POOL_IDS = 512;
const BYTES_PER_ID = 8;
/** Ids of one millisecond that the counter tells apart. */
const COUNTER_END = 0x1000;

/**
 * Makes ids by RFC 9562, version 7: they sort as text in the order they were made, also when the clock steps back
 * or one millisecond has more than 4,096 of them.
 */
export class UuidV7 {
  private readonly pool = Buffer.allocUnsafe(POOL_IDS * BYTES_PER_ID);
  private used = this.pool.length;
  private ms = 0;
  private counter = 0;
  private head = '';

  /** @param nowMs the clock, ms since the epoch. */
  next(nowMs: number): string {
    if (nowMs > this.ms) this.enter(nowMs);
    else if (++this.counter === COUNTER_END) this.enter(this.ms + 1);
    if (this.used === this.pool.length) {
      randomFillSync(this.pool);
      this.used = 0;
    }
    const at = this.used;
    this.used = at + BYTES_PER_ID;
    // Variant 10: the two highest bits of the random half.
    this.pool[at] = (this.pool[at]! & 0x3f) | 0x80;
    const random = this.pool.toString('hex', at, this.used);
    const count = (COUNTER_END + this.counter).toString(16).slice(1);
    return `${this.head}7${count}-${random.slice(0, 4)}-${random.slice(4)}`;
  }

  private enter(ms: number): void {
    this.ms = ms;
    this.counter = 0;
    const hex = ms.toString(16).padStart(12, '0');
    this.head = `${hex.slice(0, 8)}-${hex.slice(8)}-`;
  }
}
