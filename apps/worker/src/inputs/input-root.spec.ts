import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ForbiddenInputError, InputRoot } from './input-root.js';

describe('the input directory', () => {
  let directory: string;
  let root: InputRoot;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quipu-input-'));
    await writeFile(join(directory, 'secret'), 'outside');
    await mkdir(join(directory, 'root-too'));
    await mkdir(join(directory, 'root/src/deep'), { recursive: true });
    await writeFile(join(directory, 'root/src/b'), 'bb');
    await writeFile(join(directory, 'root/src/B'), 'BB');
    await writeFile(join(directory, 'root/src/deep/a'), 'a');
    await symlink('../../secret', join(directory, 'root/src/leak'));
    await symlink('../../..', join(directory, 'root/src/deep/up'));
    await symlink('src/b', join(directory, 'root/within'));
    root = await InputRoot.open(join(directory, 'root'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('lists what a job names, in the order of bytes, without links', async () => {
    expect((await root.find('src')).map(({ path, size }) => [path, size])).toEqual([
      ...[
        ['src', 0],
        ['src/B', 2],
        ['src/b', 2],
        ['src/deep', 0],
        ['src/deep/a', 1],
      ],
    ]);
    expect((await root.find('.'))[0]).toMatchObject({ path: '.', directory: true });
    expect(await root.find('src/deep/a')).toMatchObject([{ path: 'a', directory: false }]);
  });

  it('reads no more names than a job may have entries', async () => {
    expect(await (await InputRoot.open(join(directory, 'root'), 7)).find('src')).toHaveLength(5);
    const small = await InputRoot.open(join(directory, 'root'), 6);
    // Itself, and six names, two of them links.
    await expect(small.find('src')).rejects.toThrow('more than 6 entries');
    expect(await small.find('src/deep')).toHaveLength(2);
  });

  it('follows a link that stays within', async () => {
    expect(await root.find('within')).toMatchObject([{ path: 'b', size: 2 }]);
  });

  it.each(['../secret', '/etc/passwd', 'src/../../secret', '../root-too', 'src/leak', 'src/deep/up', 'a\0b'])(
    'does not go to %j',
    async (path) => {
      await expect(root.find(path)).rejects.toThrow(ForbiddenInputError);
    },
  );

  it('leaves it to the file system to say that there is nothing: it may come', async () => {
    await expect(root.find('nothing')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('does not wait for what is no file', async () => {
    expect(spawnSync('mkfifo', [join(directory, 'root/pipe')]).status).toBe(0);
    await expect(root.find('pipe')).rejects.toThrow(ForbiddenInputError);
    const [file] = await root.find('within');
    await expect(root.open({ ...file!, at: join(directory, 'root/pipe') })).rejects.toThrow(
      ForbiddenInputError,
    );
  });

  it('does not open what was put in the place of a file or of a directory on its way', async () => {
    const [, , , , file] = await root.find('src');
    await (await root.open(file!)).close();
    await rename(join(directory, 'root/src/deep'), join(directory, 'gone'));
    await symlink('../../gone', join(directory, 'root/src/deep'));
    await expect(root.open(file!)).rejects.toThrow(ForbiddenInputError);
    await rm(join(directory, 'root/src/b'));
    await symlink('../../secret', join(directory, 'root/src/b'));
    await expect(root.open({ ...file!, at: join(directory, 'root/src/b') })).rejects.toMatchObject({
      code: 'ELOOP',
    });
  });
});
