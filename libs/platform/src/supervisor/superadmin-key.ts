import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { readOrCreateSecret, writePrivateFile } from '../os/files.js';

/** Path of the file that local commands take the superadmin key from. */
export function superadminKeyFile(dataDir: string): string {
  return join(dataDir, 'superadmin.key');
}

/**
 * The superadmin key of this data directory: the preset one if there is one (the file follows it), else
 * the one in the file, else a new one that is written there (0600).
 */
export function provideSuperadminKey(config: Pick<Config, 'dataDir' | 'superadminKey'>): string {
  const file = superadminKeyFile(config.dataDir);
  if (config.superadminKey === undefined) return readOrCreateSecret(file);
  if (readSuperadminKey(config.dataDir) !== config.superadminKey)
    writePrivateFile(file, `${config.superadminKey}\n`);
  return config.superadminKey;
}

/** The key that the file holds; null when there is none, or it is not ours to read. */
export function readSuperadminKey(dataDir: string): string | null {
  const file = superadminKeyFile(dataDir);
  if (!existsSync(file)) return null;
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch {
    return null;
  }
}
