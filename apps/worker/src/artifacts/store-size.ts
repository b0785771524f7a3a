import { lstat, opendir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What a look at the whole store may cost before it is made less often, ms. */
const CHEAP_MS = 250;
/** A dear look is not repeated before so many times what it took have passed. */
const REST = 20;

/** What a test may want otherwise. */
export interface StoreSizeOptions {
  /** Bytes of the artifact in a directory. */
  readonly measure?: (directory: string) => Promise<number>;
  /** A clock, ms. */
  readonly now?: () => number;
}

/**
 * How many bytes the artifacts of a store are. It is looked at as a whole, since other workers may use it too and what
 * lies there may be removed; between two looks, what this process has put there is added. However many artifacts there
 * are, they are looked at one at a time, by one look at a time, for a small part of the time.
 */
export class StoreSize {
  private seen: number | undefined;
  /** What this process published since the last look began, by id. */
  private readonly own = new Map<string, { bytes: number; there: boolean }>();
  private looking: Promise<void> | undefined;
  private nextMs = -Infinity;
  private readonly measure: (directory: string) => Promise<number>;
  private readonly now: () => number;

  /** @param artifacts directory whose directories are artifacts. */
  constructor(
    private readonly artifacts: string,
    { measure = bytesIn, now = () => performance.now() }: StoreSizeOptions = {},
  ) {
    this.measure = measure;
    this.now = now;
  }

  /** As far as it is known; undefined before the first look. */
  get bytes(): number | undefined {
    if (this.seen === undefined) return undefined;
    return [...this.own.values()].reduce((sum, { bytes, there }) => sum + (there ? bytes : 0), this.seen);
  }

  /** To be called before an artifact gets to its place: no look counts it, now or when it is there. */
  publishing(id: string, bytes: number): void {
    if (!this.own.has(id)) this.own.set(id, { bytes, there: false });
  }

  /** Whether it got there. */
  published(id: string, there: boolean): void {
    const one = this.own.get(id);
    if (one === undefined || one.there) return;
    if (there) one.there = true;
    else this.own.delete(id);
  }

  /**
   * Looks at the store, or waits for the look that is under way. Does nothing if the last one was dear and not long ago.
   * @throws the reason of the signal; Error of the file system.
   */
  async look(signal?: AbortSignal): Promise<void> {
    if (this.looking === undefined && this.now() < this.nextMs) return;
    this.looking ??= this.lookAtAll(signal).finally(() => (this.looking = undefined));
    await this.looking;
  }

  private async lookAtAll(signal?: AbortSignal): Promise<void> {
    const beganMs = this.now();
    const before = new Set([...this.own].filter(([, { there }]) => there).map(([id]) => id));
    let bytes = 0;
    for await (const { name } of await opendir(this.artifacts)) {
      signal?.throwIfAborted();
      if (this.own.has(name) && !before.has(name)) continue;
      bytes += await this.measure(join(this.artifacts, name));
    }
    this.seen = bytes;
    for (const id of before) this.own.delete(id);
    const tookMs = this.now() - beganMs;
    this.nextMs = tookMs > CHEAP_MS ? this.now() + REST * tookMs : -Infinity;
  }
}

async function bytesIn(directory: string): Promise<number> {
  const files = join(directory, 'files');
  let total = 0;
  for (const name of await readdir(files).catch(() => [])) {
    total += (await lstat(join(files, name)).catch(() => undefined))?.size ?? 0;
  }
  return total;
}
