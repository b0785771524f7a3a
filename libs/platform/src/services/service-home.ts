import { createHash, randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ServiceStartError } from '../errors.js';
import { readJsonFile, writePrivateFile } from '../os/files.js';
import type { Logger } from '../logger.js';
import { canEnter, chooseServiceUser, type ServiceUser } from './service-user.js';

/** Where embedded services keep their files, and as whom they run. */
export interface ServiceHome {
  /** The data directory, or its stand-in when the service user cannot reach that. */
  readonly home: string;
  readonly user: ServiceUser | null;
}

/** Where stand-ins for unreachable data directories live; only root makes them. */
const STAND_INS = '/var/lib/quipu';

/** File in a stand-in that names the data directory it stands in for. */
const OWNER = 'data-directory';

const instanceFile = z.object({ id: z.string(), home: z.string() });

/**
 * Decides where the services of `dataDir` live and makes the directories. That is the data directory
 * itself, unless this is root and the service user cannot enter it (`/root`, a 0700 temporary directory):
 * then `/var/lib/quipu/<hash of data dir>`. The decision is written down in `instance.json`, because a
 * `chmod` on some parent must not make the next start look elsewhere and begin with an empty database.
 * @throws ServiceStartError when the recorded place cannot be entered any more.
 */
export function openServiceHome(dataDir: string, log: Logger): ServiceHome {
  makeDataDir(dataDir);
  const recorded = instanceFile.safeParse(readJsonFile(join(dataDir, 'instance.json'))).data;
  const home = recorded ? recorded.home : chooseHome(dataDir);
  const path = home === '.' ? dataDir : home;
  const user = chooseServiceUser(join(path, 'postgres'));
  if (recorded && !canEnter(path, user)) {
    throw new ServiceStartError(
      `The embedded services of ${dataDir} live in ${path}, which ${user?.name} cannot enter.`,
      {
        hint: `Make it and its parents searchable again (chmod o+x), or restore it if it was deleted.`,
      },
    );
  }
  if (!recorded) {
    const id = randomUUID();
    if (home !== '.') claimStandIn(path, id, log);
    writePrivateFile(join(dataDir, 'instance.json'), `${JSON.stringify({ id, home })}\n`);
  }
  if (home !== '.') writePrivateFile(join(path, OWNER), `${realpathSync(dataDir)}\n`);
  for (const part of ['postgres', 'redis']) {
    const directory = join(path, part);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (user) chownSync(directory, user.uid, user.gid);
  }
  return { home: path, user };
}

/** The place an earlier start chose, without making anything; null when there was none. */
export function findServiceHome(dataDir: string): string | null {
  const recorded = instanceFile.safeParse(readJsonFile(join(dataDir, 'instance.json'))).data;
  if (!recorded) return null;
  return recorded.home === '.' ? realpathSync(dataDir) : recorded.home;
}

/** A stand-in whose data directory is gone. */
export interface OrphanedHome {
  readonly path: string;
  /** Where the data directory was, as far as it is known. */
  readonly dataDir: string | null;
}

/**
 * The stand-ins on this machine that no data directory leads to any more. They are told, not removed: a data directory
 * may be on a disk that is just not mounted.
 */
export function orphanedHomes(standIns = STAND_INS): OrphanedHome[] {
  if (!existsSync(standIns)) return [];
  return readdirSync(standIns).flatMap((name): OrphanedHome[] => {
    const path = join(standIns, name);
    const dataDir = tryRead(join(path, OWNER));
    if (/\.orphan-/.test(name)) return [{ path, dataDir }];
    if (dataDir === null) return [];
    const instance = instanceFile.safeParse(readJsonFile(join(dataDir, 'instance.json'))).data;
    return instance?.id === tryRead(join(path, 'instance')) ? [] : [{ path, dataDir }];
  });
}

function tryRead(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/**
 * Makes the data directory, with its parts for runtime state and logs.
 * @throws ServiceStartError when it cannot be written to.
 */
export function makeDataDir(dataDir: string): void {
  try {
    // Root's services run as another user, who must be able to pass; secrets inside are 0600 each. It is made
    // before its parts: a recursive mkdir gives every directory it makes the mode of the last.
    mkdirSync(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
    for (const part of ['run', 'log']) mkdirSync(join(dataDir, part), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ServiceStartError(`Cannot write to the data directory ${dataDir}.`, {
      cause: error,
      hint: 'Choose another with QUIPU_DATA_DIR.',
    });
  }
}

function chooseHome(dataDir: string): string {
  if (process.getuid?.() !== 0) return '.';
  if (canEnter(dataDir, chooseServiceUser(join(dataDir, 'postgres')))) return '.';
  const hash = createHash('sha256').update(realpathSync(dataDir)).digest('hex').slice(0, 16);
  return join(STAND_INS, hash);
}

/**
 * A stand-in that exists while the data directory knows nothing of it belonged to a data directory of
 * this path that was deleted: its password is gone with it. Its files are kept, out of the way.
 */
function claimStandIn(path: string, id: string, log: Logger): void {
  const marker = join(path, 'instance');
  if (existsSync(path)) {
    const previous = existsSync(marker) ? readFileSync(marker, 'utf8').trim() : 'unknown';
    const aside = `${path}.orphan-${previous.slice(0, 8)}`;
    renameSync(path, aside);
    log.warn(
      { path, aside },
      'found the services of a deleted data directory of the same name; moved them aside',
    );
  }
  mkdirSync(path, { recursive: true, mode: 0o711 });
  writeFileSync(marker, `${id}\n`, { mode: 0o600 });
}
