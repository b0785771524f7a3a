import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, opendir, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';

/** A path that no retry makes right: it leads out of the root, or to what is neither file nor directory. */
export class ForbiddenInputError extends Error {
  override readonly name = 'ForbiddenInputError';
}

/** A file or directory that a job works on. */
export interface InputEntry {
  /** Path from the parent of what the job named, with `/`: `src`, `src/main.c`. */
  readonly path: string;
  /** Where it lies: absolute, no link in it. */
  readonly at: string;
  readonly directory: boolean;
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly mode: number;
  /** ms since the epoch */
  readonly modifiedMs: number;
}

const MOST_ENTRIES = 100_000;
const DEEPEST = 64;
/** A pipe in the place of a file must not hold the job for ever. */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The one directory whose content jobs may name. Nothing outside of it is read, however a path or a link is put. */
export class InputRoot {
  private constructor(
    private readonly root: string,
    private readonly mostEntries: number,
  ) {}

  /**
   * @param mostEntries that a job may name.
   * @throws if there is no such directory.
   */
  static async open(directory: string, mostEntries = MOST_ENTRIES): Promise<InputRoot> {
    return new InputRoot(await realpath(directory), mostEntries);
  }

  /**
   * What a job names: a file, or a directory with all that is below it, in the order of the bytes of the names. Links
   * and what is neither file nor directory are left out below a directory.
   *
   * @param path from the root, with `/`.
   * @throws ForbiddenInputError for a path that leads out of the root; Error of the file system if there is nothing.
   */
  async find(path: string): Promise<InputEntry[]> {
    const named = resolve(this.root, path);
    if (path.includes('\0') || !this.holds(named))
      throw new ForbiddenInputError('the path leads out of the root');
    const at = await realpath(named);
    if (!this.holds(at)) throw new ForbiddenInputError('the path leads out of the root by a link');
    const found: InputEntry[] = [];
    const left = { entries: this.mostEntries };
    await this.walk(at, at === this.root ? '.' : basename(at), 0, found, left);
    if (found.length === 0) throw new ForbiddenInputError('the path is neither a file nor a directory');
    return found;
  }

  /**
   * Opens a file for reading.
   * @throws ForbiddenInputError if meanwhile something else was put in its place.
   */
  async open({ at }: InputEntry): Promise<FileHandle> {
    const file = await open(at, READ_ONLY);
    try {
      const opened = await file.stat();
      // A directory on the way may have become a link since it was looked at: what was opened must be what lies there.
      const real = await realpath(at);
      const there = await stat(real);
      if (!opened.isFile() || real !== at || there.ino !== opened.ino || there.dev !== opened.dev) {
        throw new ForbiddenInputError('the file was replaced while it was opened');
      }
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  private holds(path: string): boolean {
    return path === this.root || path.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep);
  }

  private async walk(
    at: string,
    path: string,
    depth: number,
    found: InputEntry[],
    left: { entries: number },
  ): Promise<void> {
    if (depth > DEEPEST) throw this.tooMuch();
    const info = await lstat(at);
    if (info.isFile()) found.push(entry(at, path, info));
    if (!info.isDirectory()) return;
    found.push(entry(at, path, info));
    const names: string[] = [];
    for await (const { name } of await opendir(at)) {
      left.entries -= 1;
      if (left.entries <= 0) throw this.tooMuch();
      names.push(name);
    }
    names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const name of names) await this.walk(join(at, name), `${path}/${name}`, depth + 1, found, left);
  }

  private tooMuch(): ForbiddenInputError {
    return new ForbiddenInputError(
      `more than ${this.mostEntries} entries, or deeper than ${DEEPEST} directories`,
    );
  }
}

function entry(at: string, path: string, info: Stats): InputEntry {
  const directory = info.isDirectory();
  return {
    ...{ path, at, directory, size: directory ? 0 : info.size },
    ...{ mode: info.mode & 0o777, modifiedMs: info.mtimeMs },
  };
}
