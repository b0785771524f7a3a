import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { createPool } from '@quipu/platform';
import { testEnvironment } from './environment.js';

/** A database of one spec file. */
export interface TestDatabase {
  readonly url: string;
  /** A pool of up to 10 connections; ended by `drop`. */
  readonly pool: pg.Pool;
  /** Ends the pool and removes the database, whoever else is connected. */
  drop(): Promise<void>;
}

/**
 * Makes a migrated, otherwise empty database; call it in beforeAll and `drop` in afterAll. With
 * `{ migrated: false }` it has no tables.
 */
export async function testDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  // The pid tells a later run whether the owner still lives.
  const name = `quipu_test_${process.pid}_${randomBytes(6).toString('hex')}`;
  const template = options.migrated === false ? 'template0' : testEnvironment('QUIPU_TEST_TEMPLATE');
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(testEnvironment('QUIPU_TEST_DATABASE_URL'));
  url.pathname = `/${name}`;
  const pool = createPool(url.href, { applicationName: 'quipu-test' });
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      await asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: testEnvironment('QUIPU_TEST_DATABASE_URL') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
