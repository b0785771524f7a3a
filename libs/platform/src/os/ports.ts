import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';
import { ServiceStartError } from '../errors.js';
import { commandOf } from './processes.js';

/** Below what Linux (32768) and macOS (49152) hand out to outgoing connections, so a remembered port stays free. */
const FIRST_PORT = 21_000;
const LAST_PORT = 31_999;

/** Whether a server could listen on `port` of `host` now. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await listenError(port, host)) === null;
}

/**
 * Makes sure that a server can listen on `port` of `host`.
 * @throws ServiceStartError that says who holds the port, or what else is in the way.
 */
export async function requirePort(port: number, host: string): Promise<void> {
  const code = await listenError(port, host);
  if (code === null) return;
  if (code === 'EADDRINUSE') {
    throw new ServiceStartError(`Cannot listen on ${host}:${port}: ${describePortHolder(port)}.`, {
      hint: `End it, or choose another port: PORT=${port === 65_535 ? port - 1 : port + 1} ./quipu start`,
    });
  }
  const hints: Record<string, string> = {
    EACCES: 'Ports below 1024 need privileges; choose another with PORT.',
    EADDRNOTAVAIL: 'HOST must be an address of this machine, or 0.0.0.0 for all of them.',
    ENOTFOUND: 'HOST must be an address of this machine, or 0.0.0.0 for all of them.',
  };
  const hint = hints[code];
  throw new ServiceStartError(
    `Cannot listen on ${host}:${port} (${code}).`,
    hint === undefined ? {} : { hint },
  );
}

function listenError(port: number, host: string): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(null)));
  });
}

/**
 * A port of `host` that is free now: `preferred` if it is, else a random one.
 * @throws ServiceStartError when none was found.
 */
export async function freePort(preferred?: number, host = '127.0.0.1'): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred, host))) return preferred;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isPortFree(port, host)) return port;
  }
  throw new ServiceStartError(`No free port between ${FIRST_PORT} and ${LAST_PORT} on ${host}.`);
}

/** Who listens on a TCP port. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** The process that listens on TCP `port`, if this user may know; null otherwise. */
export function portHolder(port: number): PortHolder | null {
  const pid = process.platform === 'linux' ? holderFromProc(port) : holderFromLsof(port);
  return pid === null ? null : { pid, command: commandOf(pid) ?? 'unknown command' };
}

/** "port 8080 is held by process 4711 (node server.js)", as far as it can be told. */
export function describePortHolder(port: number): string {
  const holder = portHolder(port);
  if (!holder) return `port ${port} is held by a process that this user may not see`;
  const command = holder.command.length > 120 ? `${holder.command.slice(0, 117)}...` : holder.command;
  return `port ${port} is held by process ${holder.pid} (${command})`;
}

const LISTEN = '0A';

function holderFromProc(port: number): number | null {
  const sockets = new Set<string>();
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of tryRead(table).split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(`:${hexPort}`) && fields[3] === LISTEN) sockets.add(`socket:[${fields[9]}]`);
    }
  }
  if (sockets.size === 0) return null;
  for (const pid of tryList('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of tryList(`/proc/${pid}/fd`)) {
      if (sockets.has(tryReadLink(`/proc/${pid}/fd/${fd}`))) return Number(pid);
    }
  }
  return null;
}

function holderFromLsof(port: number): number | null {
  const result = spawnSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'], { encoding: 'utf8' });
  const pid = Number.parseInt(result.stdout ?? '', 10);
  return Number.isNaN(pid) ? null : pid;
}

// Processes come and go while their files are read, and those of others may not be read at all.
function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function tryList(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function tryReadLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
