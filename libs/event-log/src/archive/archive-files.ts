import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { errorMessage } from '@quipu/platform';
import { ArchiveUnavailableError } from './archive-errors.js';
import { ArchiveIndex } from './archive-index.js';
import { type ArchivedPart, indexNameOf } from './archived-part.js';

const unzip = promisify(gunzip);

/** Blocks kept unpacked, so that whoever reads on, or several entities of one time, need not unpack them again. */
const KEPT_BLOCKS = 8;

/**
 * The files of one directory. Files are opened for each read: an archive may be moved away and back, and years of them
 * must not hold descriptors.
 */
export class ArchiveFiles {
  private readonly indexes = new Map<string, Promise<ArchiveIndex>>();
  private readonly blocks = new Map<string, Promise<readonly string[]>>();

  /** @param directory null: this process knows of none, and every read is refused. */
  constructor(readonly directory: string | null) {}

  /** The lines of a block. @throws ArchiveUnavailableError */
  async lines(part: ArchivedPart, block: number): Promise<readonly string[]> {
    const name = `${part.file}#${part.sha256}#${block}`;
    const known = this.blocks.get(name);
    const lines = known ?? this.readLines(part, block);
    this.blocks.delete(name);
    this.blocks.set(name, lines);
    if (known === undefined) {
      lines.catch(() => this.blocks.delete(name));
      for (const oldest of this.blocks.keys()) {
        if (this.blocks.size <= KEPT_BLOCKS) break;
        this.blocks.delete(oldest);
      }
    }
    return lines;
  }

  /** Begins to unpack a block that will be asked for next; a failure is told when it is. */
  prepare(part: ArchivedPart, block: number): void {
    this.lines(part, block).catch(() => undefined);
  }

  /** The index of a part. @throws ArchiveUnavailableError */
  index(part: ArchivedPart): Promise<ArchiveIndex> {
    const name = `${part.file}#${part.indexSha256}`;
    let index = this.indexes.get(name);
    if (index === undefined) {
      index = this.within(part, indexNameOf(part.file), part.indexBytes, (file) => ArchiveIndex.load(file));
      this.indexes.set(name, index);
      index.catch(() => this.indexes.delete(name));
    }
    return index;
  }

  /** Sees that both files of a part are there, as long as they were written. @throws ArchiveUnavailableError */
  async probe(part: ArchivedPart): Promise<void> {
    await this.index(part);
    await this.within(part, part.file, part.bytes, () => Promise.resolve());
  }

  /** The blocks of each entity (by its hash), ascending. @throws ArchiveUnavailableError */
  async blocksOf(part: ArchivedPart, entities: readonly number[]): Promise<number[][]> {
    const index = await this.index(part);
    return this.within(part, indexNameOf(part.file), part.indexBytes, async (file) => {
      const found: number[][] = [];
      for (const entity of entities) found.push(await index.blocksOf(file, entity));
      return found;
    });
  }

  private async readLines(part: ArchivedPart, number: number): Promise<readonly string[]> {
    const block = (await this.index(part)).blocks[number];
    if (block === undefined) throw unavailable(part, part.file, `it has no block ${number}`);
    return this.within(part, part.file, part.bytes, async (file) => {
      const packed = Buffer.alloc(block.length);
      await file.read(packed, 0, block.length, block.offset);
      return (await unzip(packed)).toString('utf8').trimEnd().split('\n');
    });
  }

  private async within<T>(
    part: ArchivedPart,
    name: string,
    bytes: number,
    work: (file: FileHandle) => Promise<T>,
  ): Promise<T> {
    if (this.directory === null) throw unavailable(part, name, 'this process has no directory of archives');
    let file: FileHandle | undefined;
    try {
      file = await open(join(this.directory, name), 'r');
      const { size } = await file.stat();
      if (size !== bytes) throw new Error(`it has ${size} bytes, ${bytes} were written`);
      return await work(file);
    } catch (error) {
      throw unavailable(part, join(this.directory, name), errorMessage(error), error);
    } finally {
      await file?.close();
    }
  }
}

function unavailable(
  part: ArchivedPart,
  name: string,
  why: string,
  cause?: unknown,
): ArchiveUnavailableError {
  const where = `Positions ${part.first} to ${part.end - 1n} of the log are archived in ${name}`;
  return new ArchiveUnavailableError(`${where}, which cannot be read: ${why}.`, {
    cause,
    hint: 'Bring the file back from where archives are copied to, and see that QUIPU_ARCHIVE_DIR names its directory.',
  });
}
