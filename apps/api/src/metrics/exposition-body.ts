import { type Family, type Format, renderChunks } from '@quipu/exposition';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { breathe } from './breathe.js';

/** Characters that are written without a pause: less than a millisecond's worth, two for values that accrue. */
const CHUNK_LENGTH = 65_536;

const compress = promisify(gzip);

/** An exposition, written. */
export class ExpositionBody {
  /** The text, UTF-8. */
  readonly bytes: Buffer;
  private zipped: Promise<Buffer> | null = null;

  /**
   * @param etag what tells this text from every other
   * @param madeMs the instant it stands at
   * @param epoch of the totals it was made of
   * @param marks revision of the marks it was made with; null if none mattered
   */
  private constructor(
    chunks: readonly Buffer[],
    readonly etag: string,
    readonly format: Format,
    readonly position: bigint,
    readonly madeMs: number,
    readonly epoch: string | undefined,
    readonly marks: number | null,
  ) {
    this.bytes = Buffer.concat(chunks);
  }

  /** Writes families down, and lets the event loop turn after every chunk. */
  static async of(
    families: readonly Family[],
    format: Format,
    at: { position: bigint; now: number; epoch?: string | undefined; marks?: number },
  ): Promise<ExpositionBody> {
    const chunks: Buffer[] = [];
    const hash = createHash('sha1');
    for (const chunk of renderChunks(families, format, { chunkLength: CHUNK_LENGTH })) {
      const bytes = Buffer.from(chunk);
      hash.update(bytes);
      chunks.push(bytes);
      await breathe();
    }
    return new ExpositionBody(
      chunks,
      hash.digest('base64url'),
      format,
      at.position,
      at.now,
      at.epoch,
      at.marks ?? null,
    );
  }

  /** The text, compressed; once, in another thread. */
  gzipped(): Promise<Buffer> {
    return (this.zipped ??= compress(this.bytes));
  }
}
