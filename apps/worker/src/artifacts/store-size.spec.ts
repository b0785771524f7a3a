import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { StoreSize } from './store-size.js';

describe('the size of a file store', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-size-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function put(id: string, ...sizes: number[]): Promise<void> {
    await mkdir(join(directory, id, 'files'), { recursive: true });
    for (const [n, size] of sizes.entries())
      await writeFile(join(directory, id, 'files', `${n}`), 'x'.repeat(size));
  }
  async function publish(size: StoreSize, id: string, bytes: number): Promise<void> {
    size.publishing(id, bytes);
    await put(id, bytes);
    size.published(id, true);
  }

  it('is what lies there, whoever put it there, and what this process added since', async () => {
    const size = new StoreSize(directory);
    await put('a', 3, 4);
    expect(size.bytes).toBeUndefined();
    await size.look();
    expect(size.bytes).toBe(7);
    await publish(size, 'b', 10);
    await put('of-another', 100);
    // The same run again, which finds its artifact there.
    size.publishing('b', 10);
    size.published('b', false);
    expect(size.bytes).toBe(17);
    await size.look();
    expect(size.bytes).toBe(117);
    await rm(join(directory, 'b'), { recursive: true });
    await size.look();
    expect(size.bytes).toBe(107);
    size.publishing('c', 5);
    size.published('c', false);
    expect(size.bytes).toBe(107);
  });

  it('counts once what is published in the middle of a look, which is one however many ask', async () => {
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const looked: string[] = [];
    const measure = async (path: string): Promise<number> => {
      looked.push(basename(path));
      await gate;
      return 1;
    };
    const size = new StoreSize(directory, { measure });
    await put('a');
    size.publishing('on-its-way', 10);
    await put('on-its-way', 10);
    const looks = [size.look(), size.look()];
    await publish(size, 'b', 20);
    size.published('on-its-way', true);
    go();
    await Promise.all(looks);
    expect(looked).toEqual(['a']);
    expect(size.bytes).toBe(31);
    await size.look();
    expect(looked.sort()).toEqual(['a', 'a', 'b', 'on-its-way']);
    expect(size.bytes).toBe(3);
  });

  it('is looked at less often where that takes long', async () => {
    let nowMs = 0;
    let looks = 0;
    const measure = (): Promise<number> => {
      looks += 1;
      nowMs += 1_000;
      return Promise.resolve(1);
    };
    const size = new StoreSize(directory, { measure, now: () => nowMs });
    await put('a');
    await size.look();
    await publish(size, 'b', 5);
    await size.look();
    expect([looks, size.bytes]).toEqual([1, 6]);
    nowMs += 20_000;
    await size.look();
    expect([looks, size.bytes]).toEqual([3, 2]);
  });

  it('is left when the worker ends, and looked at again after a failure', async () => {
    const size = new StoreSize(directory);
    await put('a', 3);
    await expect(size.look(AbortSignal.abort(new Error('ending')))).rejects.toThrow('ending');
    expect(size.bytes).toBeUndefined();
    await size.look();
    expect(size.bytes).toBe(3);
  });
});
