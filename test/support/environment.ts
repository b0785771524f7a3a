import { dirname, join } from 'node:path';

/** Root of the repository. */
export const repository = dirname(dirname(import.meta.dirname));

/** Data directory of the services that all tests share; they outlive a run and are used again. */
export const testDataDir = join(repository, '.quipu-test');

/** What the global set-up tells the tests, as environment variables. */
export interface TestEnvironment {
  /** Postgres, as its superuser; the path names no database of a test. */
  readonly QUIPU_TEST_DATABASE_URL: string;
  /** Redis, database 0. */
  readonly QUIPU_TEST_REDIS_URL: string;
  /** Name of the migrated template database. */
  readonly QUIPU_TEST_TEMPLATE: string;
}

/** Reads one of them. */
export function testEnvironment(name: keyof TestEnvironment): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run this test with tools/jest.mjs in a project with services.`);
  return value;
}
