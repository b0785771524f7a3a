import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { withFileLock } from './dir-lock.js';
import { readJsonFile, readOrCreateSecret, tail, writePrivateFile } from './files.js';
import { describePortHolder, freePort, isPortFree, requirePort } from './ports.js';
import { endProcess, findProcesses, isAlive, processIdentity, waitForExit } from './processes.js';

const made: string[] = [];
const scratch = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'quipu-os-'));
  made.push(directory);
  return directory;
};
afterAll(() => made.forEach((directory) => rmSync(directory, { recursive: true })));

describe('processes', () => {
  it('knows a process by its identity, and that it is gone', async () => {
    const child = spawn('sleep', ['60']);
    const pid = child.pid ?? 0;
    expect(processIdentity(pid)).toMatch(new RegExp(`^${pid}@.`));
    expect(processIdentity(pid)).not.toBe(processIdentity(process.pid));
    expect(await endProcess(pid, [['SIGTERM', 5_000]])).toBe(true);
    expect(processIdentity(pid)).toBeNull();
    expect(await endProcess(pid, [['SIGTERM', 5_000]])).toBe(true);
  });

  it('takes a zombie for dead', async () => {
    // The shell becomes a sleep that never collects the child it had as a shell.
    const child = spawn('sh', ['-c', 'sh -c "echo \\$\\$; exit" & exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const zombie = await new Promise<number>((done) =>
      child.stdout.once('data', (chunk: Buffer) => done(Number(chunk.toString()))),
    );
    expect(await waitForExit(zombie, 5_000)).toBe(true);
    expect(() => process.kill(zombie, 0)).not.toThrow();
    expect(isAlive(zombie)).toBe(false);
    child.kill('SIGKILL');
  });

  it('goes on to the next signal when one is ignored', async () => {
    const child = spawn(process.execPath, [
      '-e',
      "process.on('SIGTERM', () => {}); console.log(1); setInterval(() => {}, 1000)",
    ]);
    await new Promise((done) => child.stdout.once('data', done));
    expect(
      await endProcess(child.pid ?? 0, [
        ['SIGTERM', 100],
        ['SIGKILL', 5_000],
      ]),
    ).toBe(true);
    expect(child.signalCode ?? 'SIGKILL').toBe('SIGKILL');
  });

  it('finds processes by their arguments', () => {
    const mark = `60.${process.pid}`;
    const child = spawn('sleep', [mark]);
    expect(findProcesses((args) => args[1] === mark).map(({ pid }) => pid)).toEqual([child.pid]);
    child.kill();
  });
});

describe('ports', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    server = createServer();
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  });
  afterAll(() => void server.close());

  it('prefers the port that is asked for, unless it is taken', async () => {
    const other = await freePort();
    expect(await freePort(other)).toBe(other);
    expect(await isPortFree(port)).toBe(false);
    expect(await freePort(port)).not.toBe(port);
  });

  it('says who holds a port', () => {
    expect(describePortHolder(port)).toMatch(
      new RegExp(`^port ${port} is held by process ${process.pid} \\(.*node`),
    );
  });

  it('explains why a server cannot listen', async () => {
    await expect(requirePort(await freePort(), '127.0.0.1')).resolves.toBeUndefined();
    await expect(requirePort(port, '127.0.0.1')).rejects.toMatchObject({
      message: expect.stringContaining(`held by process ${process.pid}`),
      hint: expect.stringContaining(`PORT=${port + 1}`),
    });
    await expect(requirePort(port, '192.0.2.1')).rejects.toMatchObject({
      message: expect.stringContaining('EADDRNOTAVAIL'),
      hint: expect.stringContaining('HOST'),
    });
  });
});

describe('private files', () => {
  it('are readable by their owner alone, and whole', () => {
    const file = join(scratch(), 'secret');
    writePrivateFile(file, 'one');
    writePrivateFile(file, 'two');
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, '..'))).toEqual(['secret']);
  });

  it('keep a secret once it is made', () => {
    const file = join(scratch(), 'secret');
    const secret = readOrCreateSecret(file);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(readOrCreateSecret(file)).toBe(secret);
  });

  it('are read leniently', () => {
    const directory = scratch();
    expect(readJsonFile(join(directory, 'missing'))).toBeNull();
    writeFileSync(join(directory, 'half'), '{"a":');
    expect(readJsonFile(join(directory, 'half'))).toBeNull();
    writeFileSync(join(directory, 'log'), 'old\none\ntwo\nthree\n');
    expect(tail(join(directory, 'log'), 2)).toBe('two\nthree');
    expect(tail(join(directory, 'log'), 9, 4)).toBe('one\ntwo\nthree');
    expect(tail(join(directory, 'missing'), 2)).toBe('');
  });
});

describe('withFileLock', () => {
  it('lets one in at a time', async () => {
    const path = join(scratch(), 'lock');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await delay(5);
      inside -= 1;
    };
    await Promise.all([1, 2, 3, 4].map(() => withFileLock(path, 10_000, work)));
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('takes over the lock of a process that died, or whose pid is another process by now', async () => {
    const path = join(scratch(), 'lock');
    for (const holder of ['999999@1 abc', `${process.pid}@1 abc`]) {
      writeFileSync(path, holder);
      const all = [1, 2, 3].map((n) => withFileLock(path, 5_000, () => Promise.resolve(n)));
      expect(await Promise.all(all)).toEqual([1, 2, 3]);
    }
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('gives up when a living process holds it too long, and names it', async () => {
    const path = join(scratch(), 'lock');
    writeFileSync(path, `${processIdentity(process.pid)} abc`);
    await expect(withFileLock(path, 60, () => Promise.resolve())).rejects.toThrow(
      `locked by process ${process.pid}`,
    );
  });

  it('is given back when the work fails', async () => {
    const path = join(scratch(), 'lock');
    await expect(withFileLock(path, 1_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(path)).toBe(false);
  });
});
