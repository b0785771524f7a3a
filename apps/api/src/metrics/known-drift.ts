import { type KnownDrift, readDrift } from '@quipu/ledger';
import type { Redis } from 'ioredis';

/** Longest that Redis may take, ms: a scrape must not wait for it. */
const PATIENCE_MS = 500;

/** What Redis said of the last comparison of its totals, and says again while it does not answer. */
export class LastDrift {
  private known: KnownDrift | null = null;
  private asking: Promise<void> | null = null;

  constructor(private readonly redis: Redis) {}

  /**
   * The last comparison; null when there was none. While Redis is away it is what is known, at once; and one that hangs
   * is waited for once, not by every scrape.
   */
  async read(redisIsAway: boolean): Promise<KnownDrift | null> {
    if (redisIsAway || this.asking !== null || this.redis.status !== 'ready') return this.known;
    this.asking = readDrift(this.redis)
      .then(
        (drift) => {
          this.known = drift;
        },
        () => undefined,
      )
      .finally(() => {
        this.asking = null;
      });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.asking, late]);
    clearTimeout(timer);
    return this.known;
  }
}
