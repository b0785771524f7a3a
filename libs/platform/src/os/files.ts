import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Writes a file that only its owner may read (0600), whole or not at all: a reader, or a start after a
 * crash, never sees half a password.
 */
export function writePrivateFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, content, { mode: 0o600, flush: true });
  chmodSync(temporary, 0o600); // the mode above is subject to the umask
  renameSync(temporary, path);
}

/** The secret kept in `path`; 256 random bits (hex) and written 0600 when there is none. */
export function readOrCreateSecret(path: string): string {
  if (!existsSync(path)) writePrivateFile(path, `${randomBytes(32).toString('hex')}\n`);
  return readFileSync(path, 'utf8').trim();
}

/** The JSON in `path`, or null when there is no such file or it holds no JSON. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** The last `lines` lines of a text file, not reading before byte `from`; empty when there is none. */
export function tail(path: string, lines: number, from = 0): string {
  try {
    const content = readFileSync(path).subarray(from).toString('utf8');
    return content.trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
