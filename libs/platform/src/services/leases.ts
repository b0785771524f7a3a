import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { processIdentity } from '../os/processes.js';

/**
 * Who uses the embedded services of a data directory. Every process that started them or attached holds a
 * lease (a file); the last one to go stops them, so that a short command never pulls them away from under
 * another, and one that was killed does not keep them up for ever.
 */
export class Leases {
  private readonly directory: string;

  constructor(dataDir: string) {
    this.directory = join(dataDir, 'run', 'users');
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
  }

  /** Takes a lease for as long as process `pid` lives; the answer gives it back. */
  take(pid = process.pid): () => void {
    const path = join(this.directory, `${pid}-${randomBytes(4).toString('hex')}`);
    writeFileSync(path, processIdentity(pid) ?? '', { mode: 0o600 });
    return () => rmSync(path, { force: true });
  }

  /** Whether any living process holds a lease; leases of the dead are removed. */
  inUse(): boolean {
    let living = false;
    for (const name of readdirSync(this.directory)) {
      const path = join(this.directory, name);
      if (this.lives(path)) living = true;
      else rmSync(path, { force: true });
    }
    return living;
  }

  private lives(path: string): boolean {
    try {
      const identity = readFileSync(path, 'utf8');
      return processIdentity(Number.parseInt(identity, 10)) === identity;
    } catch {
      return false;
    }
  }
}
