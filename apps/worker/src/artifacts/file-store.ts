import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Draft } from './draft.js';
import { StoreSize } from './store-size.js';

const manifest = z.object({
  id: z.string(),
  category: z.string(),
  user: z.string().optional(),
  createdMs: z.number(),
  files: z.array(z.object({ path: z.string(), size: z.number(), sha256: z.string() })),
});

/** What a job made, as it lies in the store: in a directory of its own, with a description beside its files. */
export type Artifact = Readonly<z.infer<typeof manifest>>;

/** What a run is known by: the same job, started for the n-th time, is the same run wherever it is asked about. */
export interface RunKey {
  /** Names the job for ever; see {@link jobKey}. */
  readonly job: string;
  /** From 1. */
  readonly attempt: number;
}

/** Drafts that nobody has touched for so long belong to processes that are gone, ms. */
const STALE_MS = 24 * 60 * 60 * 1_000;
/** Starts of one job that are looked back at. */
const MOST_ATTEMPTS = 100;

/** A short name for a job from what makes it unique: its tenant, prefix, queue, id and when it was enqueued. */
export function jobKey(...parts: (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
}

/**
 * A directory of artifacts. `artifacts/<id>` is a whole artifact: it gets there by one rename. `drafts/<id>.<random>`
 * is one in the making; a worker that dies leaves its draft to the next attempt, which removes it.
 */
export class FileStore {
  /** How much it holds. */
  readonly size: StoreSize;
  private readonly artifacts: string;
  private readonly drafts: string;

  constructor(directory: string) {
    this.artifacts = join(directory, 'artifacts');
    this.drafts = join(directory, 'drafts');
    this.size = new StoreSize(this.artifacts);
  }

  /** Makes the directories, and removes what was left behind long ago. */
  async open(nowMs: number): Promise<void> {
    await mkdir(this.artifacts, { recursive: true });
    await mkdir(this.drafts, { recursive: true });
    for (const name of await readdir(this.drafts)) {
      const path = join(this.drafts, name);
      const info = await lstat(path).catch(() => undefined);
      if (info !== undefined && nowMs - info.mtimeMs > STALE_MS)
        await rm(path, { recursive: true, force: true });
    }
  }

  /** What an earlier attempt of the job made, if it came that far. */
  async earlier({ job, attempt }: RunKey): Promise<Artifact | undefined> {
    for (let n = attempt - 1; n >= Math.max(1, attempt - MOST_ATTEMPTS); n -= 1) {
      const found = await this.find(`${job}-${n}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** An artifact by its id. */
  async find(id: string): Promise<Artifact | undefined> {
    try {
      return manifest.parse(JSON.parse(await readFile(join(this.artifacts, id, 'artifact.json'), 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Begins an artifact, and removes the drafts of earlier attempts. */
  async draft({ job, attempt }: RunKey): Promise<Draft> {
    for (const name of await readdir(this.drafts)) {
      const before = new RegExp(`^${job}-(\\d+)\\.`).exec(name)?.[1];
      if (before !== undefined && Number(before) < attempt) {
        await rm(join(this.drafts, name), { recursive: true, force: true });
      }
    }
    return Draft.begin(this.drafts, this.artifacts, `${job}-${attempt}`, this.size);
  }
}
