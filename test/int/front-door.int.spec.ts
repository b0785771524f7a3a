import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { removeDirectories, temporaryDirectory } from '../support/launcher.js';
import { repository } from '../support/environment.js';

/** A repository like ours, with an npm and a build that only note that they ran. */
function clone(): { root: string; bin: string; ran: () => string[] } {
  const top = temporaryDirectory(0o755, 'quipu front door ');
  const root = join(top, 'a clone');
  const bin = join(top, 'bin');
  const notes = join(top, 'notes');
  for (const directory of ['apps/cli/src', 'libs/x/src', 'tools'])
    mkdirSync(join(root, directory), { recursive: true });
  mkdirSync(bin);
  copyFileSync(join(repository, 'quipu'), join(root, 'quipu'));
  chmodSync(join(root, 'quipu'), 0o755);
  for (const file of ['package.json', 'package-lock.json', 'nest-cli.json', 'tsconfig.json']) {
    writeFileSync(join(root, file), '{}');
  }
  writeFileSync(join(root, 'apps/cli/src/main.ts'), 'one');
  writeFileSync(join(root, 'libs/x/src/x.spec.ts'), 'a test');
  writeFileSync(
    join(root, 'tools/build.mjs'),
    `import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
     appendFileSync(${JSON.stringify(notes)}, 'build\\n');
     if (readFileSync('apps/cli/src/main.ts', 'utf8') === 'broken') { console.error('a type is missing'); process.exit(1); }
     mkdirSync('dist/apps/cli/src', { recursive: true });
     writeFileSync('dist/apps/cli/src/main.js', 'console.log(JSON.stringify([process.env.QUIPU_HOME, process.cwd(), ...process.argv.slice(2)]))');`,
  );
  writeFileSync(
    join(bin, 'npm'),
    `#!/bin/sh\necho "npm $*\${npm_config_cache:+ with a cache at $npm_config_cache}" >>'${notes}'\nsleep 0.2\nmkdir -p node_modules\n`,
  );
  chmodSync(join(bin, 'npm'), 0o755);
  const ran = (): string[] => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []);
  return { root, bin, ran };
}

const INSTALL = 'npm install --no-audit --no-fund';

/** A PATH with our npm first; without flock, only the programs that the script needs. */
function environment(bin: string, flock: boolean): NodeJS.ProcessEnv {
  if (flock) return { PATH: `${bin}:${dirname(process.execPath)}:${process.env['PATH']}` };
  const only = join(bin, 'only');
  if (!existsSync(only)) {
    mkdirSync(only);
    for (const name of 'sh cat cksum dirname find kill mkdir mv readlink rm sleep sort uname'.split(' ')) {
      const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
      if (found.startsWith('/')) symlinkSync(found, join(only, name));
    }
    symlinkSync(process.execPath, join(only, 'node'));
  }
  return { PATH: `${bin}:${only}` };
}

function call(
  script: string,
  args: string[],
  options: { bin: string; flock?: boolean; cwd?: string; home?: string },
): Promise<{ out: string; err: string; code: number | null }> {
  const child = spawn(script, args, {
    cwd: options.cwd ?? '/',
    env: { ...environment(options.bin, options.flock ?? true), HOME: options.home ?? dirname(options.bin) },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((done) => child.on('close', (code) => done({ out, err, code })));
}

describe('./quipu', () => {
  afterAll(removeDirectories);

  it('sets up once, saying so, and hands arguments on as they are', async () => {
    const { root, bin, ran } = clone();
    const args = ['usage', '--by', 'a b', '', '*', '$HOME "x"'];
    const first = await call(join(root, 'quipu'), args, { bin });
    expect(first.err.trim().split('\n')).toEqual([
      expect.stringContaining('quipu: installing dependencies'),
      'quipu: building ...',
    ]);
    expect(JSON.parse(first.out)).toEqual([root, '/', ...args]);
    const second = await call(join(root, 'quipu'), args, { bin });
    expect(second).toEqual({ out: first.out, err: '', code: 0 });
    expect(ran()).toEqual([INSTALL, 'build']);
  });

  it('works through a chain of symbolic links, from any directory', async () => {
    const { root, bin } = clone();
    symlinkSync('../a clone/quipu', join(bin, 'one'));
    symlinkSync(join(bin, 'one'), join(bin, 'two'));
    const { out } = await call(join(bin, 'two'), ['status'], { bin, cwd: bin });
    expect(JSON.parse(out)).toEqual([root, bin, 'status']);
  });

  it('builds again when a source changes, installs again when the lock does, and for a test does neither', async () => {
    const { root, bin, ran } = clone();
    const quipu = (): Promise<unknown> => call(join(root, 'quipu'), [], { bin });
    await quipu();
    writeFileSync(join(root, 'libs/x/src/x.spec.ts'), 'another test');
    await quipu();
    expect(ran()).toEqual([INSTALL, 'build']);
    writeFileSync(join(root, 'apps/cli/src/main.ts'), 'two');
    await quipu();
    expect(ran()).toEqual([INSTALL, 'build', 'build']);
    writeFileSync(join(root, 'package-lock.json'), '{"a":1}');
    await quipu();
    expect(ran()).toEqual([INSTALL, 'build', 'build', INSTALL, 'build']);
    rmSync(join(root, 'dist'), { recursive: true });
    await quipu();
    expect(ran()).toHaveLength(6);
  });

  it('installs for a user whose home cannot be written to', async () => {
    const { root, bin, ran } = clone();
    expect((await call(join(root, 'quipu'), ['status'], { bin, home: '/proc/nowhere' })).code).toBe(0);
    expect(ran()).toEqual([`${INSTALL} with a cache at ${root}/.quipu-npm`, 'build']);
  });

  it('shows why a build failed, and tries again the next time', async () => {
    const { root, bin, ran } = clone();
    writeFileSync(join(root, 'apps/cli/src/main.ts'), 'broken');
    const failed = await call(join(root, 'quipu'), ['status'], { bin });
    expect(failed.code).toBe(1);
    expect(failed.out).toBe('');
    expect(failed.err).toContain('a type is missing');
    expect((await call(join(root, 'quipu'), ['status'], { bin })).code).toBe(1);
    expect(ran()).toEqual([INSTALL, 'build', 'build']);
  });

  it.each([true, false])('sets up once when two commands start at once (flock: %s)', async (flock) => {
    const { root, bin, ran } = clone();
    const all = await Promise.all([1, 2].map((n) => call(join(root, 'quipu'), [String(n)], { bin, flock })));
    expect(all.map(({ code }) => code)).toEqual([0, 0]);
    expect(ran()).toEqual([INSTALL, 'build']);
  });

  it('takes over the lock of a set-up that was killed, where there is no flock', async () => {
    const { root, bin } = clone();
    mkdirSync(join(root, '.quipu-setup.lock.d'));
    writeFileSync(join(root, '.quipu-setup.lock.d/pid'), '999999\n');
    expect((await call(join(root, 'quipu'), [], { bin, flock: false })).code).toBe(0);
    expect(existsSync(join(root, '.quipu-setup.lock.d'))).toBe(false);
  });

  it('names the version of node it needs', async () => {
    const { root, bin } = clone();
    writeFileSync(join(bin, 'node'), '#!/bin/sh\necho v20.18.3\n');
    chmodSync(join(bin, 'node'), 0o755);
    const { code, err } = await call(join(root, 'quipu'), [], { bin });
    expect(code).toBe(1);
    expect(err).toBe(
      'quipu: node v20.18.3 is too old; version 20.19 or newer is needed (https://nodejs.org).\n',
    );
  });
});
