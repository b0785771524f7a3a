import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ProblemException } from '../answers/problem.exception.js';

/** Bytes that are written, and read, at a time. */
const CHUNK_BYTES = 64 * 1024;
/** What a file system answers that has no room for a file, or takes none. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOENT', 'EMFILE', 'ENFILE']);

/** How much a spool takes, and how long it waits for its reader. */
export interface SpoolLimits {
  /** Most bytes of a file. */
  readonly bytes: number;
  /** The reader is given up when it takes nothing for so long, ms. */
  readonly stallMs: number;
}

/**
 * Lines that are written to a file before anybody reads them, so that a slow reader holds a file and nothing else. The
 * file has no name from the beginning on: whatever happens to the process, nothing of it stays.
 */
export class SpoolFile {
  private lines: string[] = [];
  private pending = 0;
  private written = 0;

  private constructor(
    private readonly handle: FileHandle,
    private readonly limits: SpoolLimits,
  ) {}

  /** Makes an empty one. @throws ProblemException (503) if the directory for temporary files takes none. */
  static async create(limits: SpoolLimits): Promise<SpoolFile> {
    const path = join(tmpdir(), `quipu-spool-${randomUUID()}`);
    const handle = await open(path, 'wx+', 0o600).catch(noRoom);
    try {
      await unlink(path);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new SpoolFile(handle, limits);
  }

  /** Adds a line, without its end. @throws ProblemException 422 above the limit, 503 if the disk is full. */
  async add(line: string): Promise<void> {
    this.lines.push(line, '\n');
    this.pending += line.length + 1;
    if (this.pending >= CHUNK_BYTES) await this.flush();
  }

  /** What was added, from its beginning on; ends the adding. The file is gone once the stream is closed. */
  async read(): Promise<SpoolReader> {
    await this.flush();
    return new SpoolReader(this.handle, this.limits.stallMs);
  }

  /** Drops the file, unless a reader has it. */
  async discard(): Promise<void> {
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.from(this.lines.join(''));
    this.lines = [];
    this.pending = 0;
    this.written += bytes.length;
    if (this.written > this.limits.bytes) {
      throw new ProblemException(422, `The file would have more than ${this.limits.bytes} bytes.`, {
        hint: 'Ask for less: one tenant, or a shorter time.',
      });
    }
    await this.handle.writeFile(bytes).catch(noRoom);
  }
}

/** Reads a file at the speed of whoever takes it, and ends with an error when nothing is taken for too long. */
export class SpoolReader extends Readable {
  private position = 0;
  private stalled: NodeJS.Timeout | undefined;

  /** @param handle is closed with the stream. */
  constructor(
    private readonly handle: FileHandle,
    private stallMs: number,
  ) {
    super({ highWaterMark: CHUNK_BYTES });
    this.watch();
  }

  /** From now on it waits for so long, ms. */
  hurry(stallMs: number): void {
    this.stallMs = stallMs;
    if (!this.destroyed) this.watch();
  }

  override _read(): void {
    clearTimeout(this.stalled);
    this.handle.read({ buffer: Buffer.allocUnsafe(CHUNK_BYTES), position: this.position }).then(
      ({ bytesRead, buffer }) => {
        if (this.destroyed) return;
        this.position += bytesRead;
        this.watch();
        this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.stalled);
    this.handle.close().then(
      () => done(error),
      (closing: Error) => done(error ?? closing),
    );
  }

  private watch(): void {
    clearTimeout(this.stalled);
    this.stalled = setTimeout(() => {
      this.destroy(new Error(`the reader took nothing for ${this.stallMs} ms`));
    }, this.stallMs);
  }
}

function noRoom(error: NodeJS.ErrnoException): never {
  if (!NO_ROOM.has(error.code ?? '')) throw error;
  throw new ProblemException(503, 'There is no room for the file: the server can write no temporary files.', {
    headers: { 'retry-after': '60' },
  });
}
