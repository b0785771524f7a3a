import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore, jobKey } from './file-store.js';

const NOW = Date.now();
const JOB = jobKey('acme', 'bull', 'builds', '7', 1_795_000_000_000);

describe('the file store', () => {
  let directory: string;
  let store: FileStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-store-'));
    store = new FileStore(directory);
    await store.open(NOW);
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function* content(...pieces: string[]): AsyncGenerator<Buffer> {
    for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
  }

  async function publish(attempt: number, text: string) {
    const draft = await store.draft({ job: JOB, attempt });
    await draft.write('a.txt', content(text));
    return draft.publish({ category: 'text', createdMs: NOW + attempt }, () => store.find(draft.id));
  }

  async function bytes() {
    await store.size.look();
    return store.size.bytes;
  }

  const drafts = () => readdir(join(directory, 'drafts'));

  it('holds an artifact whole or not at all', async () => {
    const draft = await store.draft({ job: JOB, attempt: 1 });
    await draft.write('a.txt', content('hello ', 'world'));
    expect(await store.find(draft.id)).toBeUndefined();
    expect(await bytes()).toBe(0);
    const made = await draft.publish({ category: 'text', user: 'ada', createdMs: NOW }, () =>
      store.find(draft.id),
    );
    expect(made).toEqual({
      ...{ id: `${JOB}-1`, category: 'text', user: 'ada', createdMs: NOW },
      files: [
        {
          ...{ path: 'a.txt', size: 11 },
          sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
        },
      ],
    });
    expect(await store.find(made.id)).toEqual(made);
    expect(await readFile(join(directory, 'artifacts', made.id, 'files/a.txt'), 'utf8')).toBe('hello world');
    expect(await bytes()).toBe(11);
    expect(await drafts()).toEqual([]);
  });

  it('leaves nothing of what was not finished', async () => {
    const draft = await store.draft({ job: JOB, attempt: 1 });
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('half'));
      throw new Error('broken');
    }
    await expect(draft.write('a.txt', broken())).rejects.toThrow('broken');
    await draft.discard();
    expect(await drafts()).toEqual([]);
    expect(await bytes()).toBe(0);
  });

  it('gives what an earlier attempt made to a later one', async () => {
    const first = await publish(2, 'once');
    expect(await store.earlier({ job: JOB, attempt: 5 })).toEqual(first);
    expect(await store.earlier({ job: JOB, attempt: 2 })).toBeUndefined();
    expect(await store.earlier({ job: jobKey('another'), attempt: 5 })).toBeUndefined();
  });

  it('keeps the artifact that is there when the same run publishes again', async () => {
    const first = await publish(1, 'once');
    expect(await bytes()).toBe(4);
    expect(await publish(1, 'twice')).toEqual(first);
    expect(store.size.bytes).toBe(4);
    expect(await drafts()).toEqual([]);
    expect(await bytes()).toBe(4);
  });

  it('removes the drafts of attempts that were killed, and of nobody else', async () => {
    const other = await store.draft({ job: jobKey('other'), attempt: 1 });
    const killed = await store.draft({ job: JOB, attempt: 1 });
    await killed.write('a.txt', content('half'));
    const next = await store.draft({ job: JOB, attempt: 2 });
    expect((await drafts()).map((name) => name.split('.')[0]).sort()).toEqual([next.id, other.id].sort());
    // The one that was only stopped, and goes on, has nothing to publish any more.
    const about = { category: 'text', createdMs: NOW };
    await expect(killed.publish(about, () => store.find(killed.id))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  it('removes drafts that nobody has touched for a day', async () => {
    const old = join(directory, 'drafts', 'old.1');
    await mkdir(old);
    await writeFile(join(old, 'file'), 'x');
    await utimes(old, NOW / 1_000 - 90_000, NOW / 1_000 - 90_000);
    const fresh = await store.draft({ job: JOB, attempt: 1 });
    await store.open(NOW);
    expect((await drafts()).map((name) => name.split('.')[0])).toEqual([fresh.id]);
  });
});
