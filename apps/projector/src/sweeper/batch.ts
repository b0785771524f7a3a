/** Most workers that are judged at once; the others come next. */
const MOST_WORKERS = 200;

/**
 * How many workers are judged at once: fewer where it takes so long to judge them that what is found is of another time
 * before it is said, as on a slow machine whose whole fleet is lost.
 */
export class Batch {
  private workers = MOST_WORKERS;

  /** Workers that are looked at now. */
  get size(): number {
    return this.workers;
  }

  /**
   * It took too long, so many times as long as it may (more than 1).
   * @returns whether fewer may be tried: one was too many.
   */
  shrink(times: number): boolean {
    if (this.workers === 1) return false;
    this.workers = Math.max(1, Math.floor(this.workers / (2 * times)));
    return true;
  }

  /** There was time for more. */
  grow(): void {
    this.workers = Math.min(MOST_WORKERS, this.workers * 2);
  }
}
