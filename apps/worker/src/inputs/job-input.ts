import { setTimeout as sleep } from 'node:timers/promises';
import type { InputEntry, InputRoot } from './input-root.js';

/** How the input of one job is read. */
export interface ReadingOptions {
  /** Most bytes per second; 0: any number. */
  readonly bytesPerSecond: number;
  /** Ends the reading with its reason. */
  readonly signal: AbortSignal;
  /** Told after each piece how many of how many bytes have been read. */
  readonly onProgress: (read: number, of: number) => void;
}

const CHUNK_BYTES = 64 * 1024;
/** Pieces of a slow reading: so many per second, so that it can be ended at any time. */
const PIECES_PER_SECOND = 10;

/** What one job works on. */
export class JobInput {
  private readonly total: number;
  private read = 0;
  private readonly startedMs = performance.now();

  /** @param entries what the job named, first. */
  constructor(
    private readonly root: InputRoot,
    readonly entries: readonly [InputEntry, ...InputEntry[]],
    private readonly options: ReadingOptions,
  ) {
    this.total = entries.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The content of a file, as long as it was when the job began.
   * @throws Error if it has another length by now; the reason of the signal.
   */
  async *content(entry: InputEntry): AsyncGenerator<Buffer> {
    const { bytesPerSecond, signal, onProgress } = this.options;
    const chunk =
      bytesPerSecond > 0 ? Math.min(CHUNK_BYTES, Math.ceil(bytesPerSecond / PIECES_PER_SECOND)) : CHUNK_BYTES;
    const file = await this.root.open(entry);
    try {
      for (let at = 0; ;) {
        signal.throwIfAborted();
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunk), 0, chunk, at);
        if (at + bytesRead > entry.size || (bytesRead === 0 && at < entry.size)) {
          throw new Error(`${entry.path} changed while it was read`);
        }
        if (bytesRead === 0) return;
        at += bytesRead;
        this.read += bytesRead;
        onProgress(this.read, this.total);
        yield buffer.subarray(0, bytesRead);
        if (bytesPerSecond > 0) await this.keepPace(bytesPerSecond, signal);
      }
    } finally {
      await file.close();
    }
  }

  private async keepPace(bytesPerSecond: number, signal: AbortSignal): Promise<void> {
    const aheadMs = (this.read / bytesPerSecond) * 1_000 - (performance.now() - this.startedMs);
    if (aheadMs < 1) return;
    // The reason of the signal is thrown by who looks at it next, not the timer's own error.
    await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
