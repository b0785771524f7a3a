import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createLogger, isAlive } from '@quipu/platform';
import { migrate } from '@quipu/schema';
import { repository } from './environment.js';

const TEMPLATE_LOCK = 7_263_548_111;
const TEMPLATE_MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Makes the migrated template database of the present sources, unless it is there, and names it. */
export async function prepareTemplate(databaseUrl: string): Promise<string> {
  const name = `quipu_template_${sourceHash()}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) {
      // Under another name until it is complete: a set-up that is killed must not leave a half-migrated template.
      const partial = `${name}_partial`;
      await client.query(`DROP DATABASE IF EXISTS ${partial} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${partial}`);
      await migrate(withDatabase(databaseUrl, partial), createLogger('test', 'warn'));
      await client.query(`ALTER DATABASE ${partial} RENAME TO ${name}`);
      await client.query(`COMMENT ON DATABASE ${name} IS '${Date.now()}'`);
    }
    await dropLeftovers(client, name);
  } finally {
    await client.end();
  }
  return name;
}

/** The URL of another database on the same server. */
export function withDatabase(databaseUrl: string, database: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Databases of test processes that were killed, and templates of yesterday's sources. */
async function dropLeftovers(client: pg.Client, current: string): Promise<void> {
  const { rows } = await client.query<{ name: string; made: string | null }>(
    `SELECT datname AS name, shobj_description(oid, 'pg_database') AS made FROM pg_database
     WHERE datname LIKE 'quipu_test_%' OR datname LIKE 'quipu_template_%'`,
  );
  for (const { name, made } of rows) {
    const owner = /^quipu_test_(\d+)_/.exec(name)?.[1];
    const leftover = owner
      ? !isAlive(Number(owner))
      : name !== current && made !== null && Date.now() - Number(made) > TEMPLATE_MAX_AGE_MS;
    if (leftover) await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  }
}

/** Migrations may use any source of their library, so all of it counts. */
function sourceHash(): string {
  const hash = createHash('sha256');
  for (const lib of migratingLibs()) {
    const directory = join(repository, 'libs', lib, 'src');
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
      .sort();
    for (const file of files) hash.update(`${lib}/${file}\n`).update(readFileSync(join(directory, file)));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Libraries that have migrations, and the one that runs them. */
function migratingLibs(): string[] {
  const libs = join(repository, 'libs');
  const has = (lib: string): boolean => existsSync(join(libs, lib, 'src', 'migrations')) || lib === 'schema';
  return readdirSync(libs).filter(has).sort();
}
