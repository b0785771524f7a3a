import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const HAS_PROC = existsSync('/proc/self/stat');

/** A process of this machine as its command line shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly ppid: number;
  /** The arguments; on systems without /proc the whole line split at spaces. */
  readonly args: readonly string[];
}

/**
 * A text that names this very process for as long as it lives: pids are used again, start times are not.
 * Null when there is no such process, or only a zombie is left of it (its init never reaps in many
 * containers, and `kill(pid, 0)` would say it lives).
 */
export function processIdentity(pid: number): string | null {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (HAS_PROC) {
    const stat = readProc(pid, 'stat');
    if (stat === null) return null;
    // The name in parentheses may hold spaces and parentheses: the fields start after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${pid}@${fields[19] ?? ''}`;
  }
  const result = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const line = result.stdout?.trim() ?? '';
  return line === '' || line.startsWith('Z') ? null : `${pid}@${line.replace(/^\S+\s+/, '')}`;
}

/** Whether the process lives (a zombie does not). */
export function isAlive(pid: number): boolean {
  return processIdentity(pid) !== null;
}

/** The processes whose arguments satisfy `matches`, without those whose parent satisfies it too. */
export function findProcesses(matches: (args: readonly string[]) => boolean): ProcessInfo[] {
  const found = listProcesses().filter((info) => matches(info.args) && isAlive(info.pid));
  // A child shows its parent's command line until it sets a title of its own.
  const pids = new Set(found.map((info) => info.pid));
  return found.filter((info) => !pids.has(info.ppid));
}

/** The command line of a process, for people; null when it cannot be told. */
export function commandOf(pid: number): string | null {
  if (HAS_PROC) return readProc(pid, 'cmdline')?.replace(/\0+$/, '').replaceAll('\0', ' ') ?? null;
  const result = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return result.stdout?.trim() || null;
}

/** Waits until the process is gone; false when it still lives after `timeoutMs`. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false;
    await delay(25);
  }
  return true;
}

/** Sends each signal in turn, waiting its time, until the process is gone. */
export async function endProcess(
  pid: number,
  signals: readonly (readonly [signal: NodeJS.Signals, waitMs: number])[],
): Promise<boolean> {
  for (const [signal, waitMs] of signals) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
      throw error;
    }
    if (await waitForExit(pid, waitMs)) return true;
  }
  return false;
}

function readProc(pid: number | string, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null; // gone meanwhile, or not ours to read
  }
}

function listProcesses(): ProcessInfo[] {
  if (HAS_PROC) {
    const processes: ProcessInfo[] = [];
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const cmdline = readProc(entry, 'cmdline');
      const stat = readProc(entry, 'stat');
      if (!cmdline || stat === null) continue;
      const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      processes.push({ pid: Number(entry), ppid, args: cmdline.replace(/\0$/, '').split('\0') });
    }
    return processes;
  }
  const result = spawnSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return (result.stdout ?? '').split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), ppid: Number(match[2]), args: match[3]?.split(' ') ?? [] }] : [];
  });
}
