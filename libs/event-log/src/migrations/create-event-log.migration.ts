import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createAppendOnly, dropAppendOnly } from './append-only.js';
import { createAppend, dropAppend } from './append-function.js';
import { createPartitioning, dropPartitioning } from './partitioning.js';
import { createTables, dropTables } from './tables.js';

/** The log, its identities, digest chain and dead letters, and the functions that are the only way to write them. */
export class CreateEventLog1762000000000 implements MigrationInterface {
  readonly name = 'CreateEventLog1762000000000';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [...createTables, ...createAppendOnly, ...createPartitioning, ...createAppend];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    const statements = [...dropAppend, ...dropPartitioning, ...dropTables, ...dropAppendOnly];
    for (const statement of statements) await runner.query(statement);
  }
}
