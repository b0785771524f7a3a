import type { Redis } from 'ioredis';

/** Longest that Redis may take, ms: a scrape must not wait for it. */
const PATIENCE_MS = 500;

/** What Redis said of something, and says again while it does not answer. */
export class LastKnown<T> {
  private known: T | null = null;
  private asking: Promise<void> | null = null;

  /** @param ask asks Redis; null for what is not there. */
  constructor(
    private readonly redis: Pick<Redis, 'status'>,
    private readonly ask: () => Promise<T | null>,
  ) {}

  /**
   * What is known; null when there was nothing. While Redis is away it is what was known, at once; and one that hangs
   * is waited for once, not by every scrape.
   */
  async read(redisIsAway: boolean): Promise<T | null> {
    if (redisIsAway || this.asking !== null || this.redis.status !== 'ready') return this.known;
    this.asking = this.ask()
      .then(
        (found) => {
          this.known = found;
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
