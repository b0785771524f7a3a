import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceStartError } from '../errors.js';
import { processIdentity } from './processes.js';

/**
 * Runs `work` while holding the lock file `path`: one process of this machine at a time. The lock of a
 * process that died is taken over.
 * @throws ServiceStartError when a living process held it for longer than `timeoutMs`; the reason of `signal`,
 *   which ends the waiting and not the work.
 */
export async function withFileLock<T>(
  path: string,
  timeoutMs: number,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const mine = `${processIdentity(process.pid) ?? process.pid} ${randomBytes(8).toString('hex')}`;
  await acquire(path, mine, timeoutMs, signal);
  try {
    return await work();
  } finally {
    if (holder(path) === mine) rmSync(path, { force: true });
  }
}

async function acquire(path: string, mine: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (create(path, mine)) return;
    const current = holder(path);
    if (current !== null && !holderLives(current)) {
      takeAway(path, current);
      continue;
    }
    if (Date.now() > deadline) {
      const pid = current?.split('@')[0] ?? 'unknown';
      throw new ServiceStartError(
        `${path} has been locked by process ${pid} for over ${timeoutMs / 1000} s.`,
        {
          hint: 'Wait for that command to end, or end it, and try again.',
        },
      );
    }
    signal?.throwIfAborted();
    await delay(50);
  }
}

/** Content and name appear together: a lock file that is still empty would look like a dead process's. */
function create(path: string, content: string): boolean {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function holder(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function holderLives(content: string): boolean {
  const identity = content.slice(0, content.lastIndexOf(' '));
  return processIdentity(Number.parseInt(identity, 10)) === identity;
}

/**
 * Two processes may find the same dead holder. The slower one would remove the lock the faster one has
 * made since; so it moves the file away first, looks, and puts a living holder's lock back.
 */
function takeAway(path: string, dead: string): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, path);
  } catch {
    // somebody else was faster: the caller looks again
  } finally {
    rmSync(aside, { force: true });
  }
}
