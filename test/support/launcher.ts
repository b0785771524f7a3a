import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, findServiceHome, stopServices, waitForExit, type Logger } from '@quipu/platform';
import { repository } from './environment.js';

/** A logger that says nothing; for tests. */
export const silent: Logger = createLogger('test', 'silent');

const made: string[] = [];

/**
 * A new directory for a test of the launcher; `mode` 0o755 lets the service user pass, 0o700 does not.
 * {@link removeDirectories} stops what runs in it and removes it.
 */
export function temporaryDirectory(mode = 0o755, prefix = 'quipu-'): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(directory, mode);
  made.push(directory);
  return directory;
}

/** Stops the services in every directory made, and removes those directories and their stand-ins. */
export async function removeDirectories(): Promise<void> {
  for (const directory of made.splice(0)) {
    for (const dataDir of [directory, join(directory, 'data')]) {
      await stopServices(dataDir, silent);
      const home = findServiceHome(dataDir);
      if (home?.startsWith('/var/lib/quipu/')) rmSync(home, { recursive: true, force: true });
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a TypeScript module text in a process of its own, at the root of the repository. */
export function runModule(source: string, options: { uid?: number; gid?: number } = {}): ChildProcess {
  const args = ['--no-warnings', '--import', './tools/ts.mjs', '--input-type=module', '-e', source];
  return spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** The first line a process prints; rejects with its standard error when it ends without one. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('\n')) done(out.slice(0, out.indexOf('\n')));
    });
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('exit', (code) => fail(new Error(`ended with ${code} before it said anything: ${err}`)));
  });
}

/** Waits for the end of a process. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once('exit', () => done()));
}

/** Kills processes with SIGKILL and waits for their end. */
export async function ensureGone(...pids: (number | undefined)[]): Promise<void> {
  for (const pid of pids) {
    if (pid === undefined) throw new Error('no such process');
    process.kill(pid, 'SIGKILL');
    await waitForExit(pid, 10_000);
  }
}
