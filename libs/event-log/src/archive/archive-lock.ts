import type { ClientBase } from 'pg';

/** The class of the append's lock; the archives have the next key of it. */
const LOCK = '1903520105, 2';

/**
 * Takes the lock under which partitions go to files and come back, for as long as the session lasts.
 * @param mode `shared`: whoever walks the log in several statements and must not have a partition go meanwhile.
 * @returns false when somebody holds it the other way.
 */
export async function lockArchives(client: ClientBase, mode: 'exclusive' | 'shared'): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock${mode === 'shared' ? '_shared' : ''}(${LOCK}) AS locked`,
  );
  return rows[0]?.locked === true;
}

/** Gives the lock back before the session ends. */
export async function unlockArchives(client: ClientBase, mode: 'exclusive' | 'shared'): Promise<void> {
  await client.query(`SELECT pg_advisory_unlock${mode === 'shared' ? '_shared' : ''}(${LOCK})`);
}
