import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from './file-store.js';
import type { StoreSize } from './store-size.js';

/** An artifact in the making. Either it is published, whole, or nothing of it remains. */
export class Draft {
  private readonly files: Artifact['files'] = [];

  private constructor(
    readonly id: string,
    private readonly directory: string,
    private readonly artifacts: string,
    private readonly size: StoreSize,
  ) {}

  /** Makes the directory of a draft in `drafts`, which becomes the artifact `id` in `artifacts`. */
  static async begin(drafts: string, artifacts: string, id: string, size: StoreSize): Promise<Draft> {
    const directory = join(drafts, `${id}.${randomBytes(4).toString('hex')}`);
    await mkdir(join(directory, 'files'), { recursive: true });
    return new Draft(id, directory, artifacts, size);
  }

  /** Writes a file, to the disk, and remembers its size and digest. */
  async write(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(join(this.directory, 'files', name), 'wx');
    try {
      for await (const piece of content) {
        hash.update(piece);
        size += piece.length;
        await file.writeFile(piece);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    this.files.push({ path: name, size, sha256: hash.digest('hex') });
  }

  /**
   * Puts the artifact into the store, whole.
   * @returns the artifact; the one that is there already if this run was published before.
   */
  async publish(
    about: Omit<Artifact, 'id' | 'files'>,
    existing: () => Promise<Artifact | undefined>,
  ): Promise<Artifact> {
    const artifact: Artifact = { id: this.id, ...about, files: this.files };
    const file = await open(join(this.directory, 'artifact.json'), 'wx');
    try {
      await file.writeFile(`${JSON.stringify(artifact)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    this.size.publishing(
      this.id,
      this.files.reduce((sum, { size }) => sum + size, 0),
    );
    try {
      await rename(this.directory, join(this.artifacts, this.id));
      this.size.published(this.id, true);
    } catch (error) {
      this.size.published(this.id, false);
      const there = await existing();
      if (there === undefined) throw error;
      await this.discard();
      return there;
    }
    const artifacts = await open(this.artifacts);
    // Without it a power cut may forget the rename that has been reported.
    await artifacts.sync().finally(() => artifacts.close());
    return artifact;
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
