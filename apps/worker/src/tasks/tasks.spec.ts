import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { InputRoot } from '../inputs/input-root.js';
import { JobInput } from '../inputs/job-input.js';
import { TASKS } from './index.js';
import { tarHeader } from './tar.js';
import { InvalidJobError } from './task.js';

const LONG = `${'x'.repeat(90)}/${'ünï'.repeat(30)}`;

describe('a task', () => {
  let directory: string;
  let root: InputRoot;
  const progress: number[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-tasks-'));
    await mkdir(join(directory, 'in/tree', LONG, '..'), { recursive: true });
    await mkdir(join(directory, 'in/tree/empty'));
    await writeFile(join(directory, 'in/tree', LONG), 'long');
    await writeFile(join(directory, 'in/tree/nothing'), '');
    await writeFile(join(directory, 'in/tree/odd\nname'), 'odd');
    await writeFile(join(directory, 'in/tree/big'), Buffer.alloc(200_000, 'quipu '));
    await utimes(join(directory, 'in/tree/big'), 1_600_000_000, 1_600_000_000);
    root = await InputRoot.open(join(directory, 'in'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function make(task: string, path: string, data: object = {}, signal = new AbortController().signal) {
    const [first, ...rest] = await root.find(path);
    progress.length = 0;
    const onProgress = (read: number, of: number) => void progress.push(read / of);
    const input = new JobInput(root, [first!, ...rest], { bytesPerSecond: 0, signal, onProgress });
    const { category, name, content } = TASKS.get(task)!(input, { path, ...data });
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    return { category, name, content: Buffer.concat(pieces) };
  }

  it('compresses a file so that others can unpack it', async () => {
    const big = await readFile(join(directory, 'in/tree/big'));
    const gz = await make('compress', 'tree/big');
    expect([gz.category, gz.name]).toEqual(['compressed-file', 'big.gz']);
    expect(gunzipSync(gz.content).equals(big)).toBe(true);
    expect(progress.at(-1)).toBe(1);
    const br = await make('compress', 'tree/big', { method: 'brotli', level: 4 });
    expect(br.name).toBe('big.br');
    expect(brotliDecompressSync(br.content).equals(big)).toBe(true);
    expect((await make('compress', 'tree/big')).content.equals(gz.content)).toBe(true);
  });

  it('lists digests that sha256sum and sha512sum check', async () => {
    const sums = await make('checksum', 'tree');
    expect(sums.name).toBe('tree.sha256sums');
    await writeFile(join(directory, 'sums'), sums.content);
    const checked = execFileSync('sha256sum', ['--check', '--strict', '../sums'], {
      cwd: join(directory, 'in'),
    });
    expect(checked.toString().match(/: OK/g)).toHaveLength(4);
    const one = await make('checksum', 'tree/big', { algorithm: 'sha512' });
    const digest = createHash('sha512')
      .update(await readFile(join(directory, 'in/tree/big')))
      .digest('hex');
    expect(one.content.toString()).toBe(`${digest}  big\n`);
  });

  it('makes an archive that tar unpacks to the same files', async () => {
    const { name, content } = await make('archive', 'tree');
    expect(name).toBe('tree.tar');
    const out = join(directory, 'out');
    await mkdir(out);
    execFileSync('tar', ['--extract', '--directory', out], { input: content });
    execFileSync('diff', ['--recursive', join(directory, 'in/tree'), join(out, 'tree')]);
    expect((await stat(join(out, 'tree/big'))).mtimeMs).toBe(1_600_000_000_000);
    expect((await make('archive', '.')).name).toBe('root.tar');
    expect((await make('archive', 'tree')).content.equals(content)).toBe(true);
  });

  it('writes sizes that need more than eleven digits as the old header cannot', () => {
    const entry = { path: 'huge', directory: false, mode: 0o644, modifiedMs: 0 };
    expect(tarHeader({ ...entry, size: 8 ** 11 }).toString()).toContain('19 size=8589934592\n');
    expect(tarHeader({ ...entry, size: 8 ** 11 - 1 })).toHaveLength(512);
  });

  it.each([
    ['compress', 'tree', {}, InvalidJobError],
    ['archive', 'tree/big', {}, InvalidJobError],
    ['compress', 'tree/big', { method: 'rar' }, Error],
    ['checksum', 'tree', { algorithm: 'md4' }, Error],
  ])('refuses to %s %s with %j', async (task, path, data, error) => {
    await expect(make(task, path, data)).rejects.toThrow(error);
  });

  it('ends when it is told to', async () => {
    await expect(make('checksum', 'tree', {}, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    await expect(make('compress', 'tree/big', {}, AbortSignal.abort(new Error('stop')))).rejects.toThrow(
      'stop',
    );
  });

  it('fails on a file that changes meanwhile', async () => {
    const path = join(directory, 'in/changing');
    for (const [before, after] of [
      [10, 20],
      [20, 10],
    ] as const) {
      await writeFile(path, Buffer.alloc(before));
      const [file] = await root.find('changing');
      await truncate(path, after);
      const signal = new AbortController().signal;
      const input = new JobInput(root, [file!], { bytesPerSecond: 0, signal, onProgress: () => undefined });
      const read = async () => {
        for await (const piece of input.content(file!)) expect(piece.length).toBeLessThanOrEqual(before);
      };
      await expect(read()).rejects.toThrow('changed while it was read');
    }
  });

  it('reads no faster than it may, and can be ended while it waits', async () => {
    const [file] = await root.find('tree/big');
    const controller = new AbortController();
    const options = { bytesPerSecond: 1_000_000, signal: controller.signal, onProgress: () => undefined };
    const started = performance.now();
    const slow = new JobInput(root, [file!], options);
    for await (const piece of slow.content(file!)) expect(piece.length).toBeLessThanOrEqual(65_536);
    expect(performance.now() - started).toBeGreaterThan(150);
    const input = new JobInput(root, [file!], { ...options, bytesPerSecond: 1 });
    const reading = input.content(file!);
    expect((await reading.next()).done).toBe(false);
    const next = reading.next();
    controller.abort(new Error('stop'));
    await expect(next).rejects.toThrow('stop');
  });
});
