import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { ServiceStartError } from '../errors.js';

/** The account that embedded services run as; null: the one this process runs as. */
export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The part of spawn's options that changes the account. */
export function runAs(user: ServiceUser | null): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

/**
 * Postgres refuses to run as root. As root: `postgres`, else `nobody`; a data directory that exists
 * already keeps the owner it has (`owned`: its path), whoever starts it.
 * @throws ServiceStartError when root has neither account, or when the directory belongs to somebody else.
 */
export function chooseServiceUser(owned: string): ServiceUser | null {
  const me = process.getuid?.();
  const owner = statSync(owned, { throwIfNoEntry: false });
  if (me !== 0) {
    if (owner && me !== undefined && owner.uid !== me) {
      throw new ServiceStartError(`${owned} belongs to user ${owner.uid}, this process runs as ${me}.`, {
        hint: 'Run Quipu as the user who started it first, or choose another QUIPU_DATA_DIR.',
      });
    }
    return null;
  }
  if (owner && owner.uid !== 0) return { name: `user ${owner.uid}`, uid: owner.uid, gid: owner.gid };
  const user = lookUp('postgres') ?? lookUp('nobody');
  if (user) return user;
  throw new ServiceStartError('Postgres does not run as root, and there is no user postgres or nobody.', {
    hint: 'Create one (useradd --system postgres), run Quipu as another user, or set DATABASE_URL.',
  });
}

/** Whether `user` can enter `directory`: every parent must let it pass. Asked of the kernel, so ACLs count. */
export function canEnter(directory: string, user: ServiceUser | null): boolean {
  const result = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], {
    cwd: '/',
    stdio: 'ignore',
    ...runAs(user),
  });
  return result.status === 0;
}

function lookUp(name: string): ServiceUser | null {
  const uid = Number.parseInt(spawnSync('id', ['-u', name], { encoding: 'utf8' }).stdout ?? '', 10);
  const gid = Number.parseInt(spawnSync('id', ['-g', name], { encoding: 'utf8' }).stdout ?? '', 10);
  return Number.isNaN(uid) || Number.isNaN(gid) || uid === 0 ? null : { name, uid, gid };
}
