import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_PROJECTION, parseLedgerSchema } from '../schema.js';

/**
 * Room for the changes of workers' slots and of what is estimated, in every generation. The numbers in it stay readable
 * and right as of their checkpoint; a projector of this version refuses to go on from them until the ledger is rebuilt
 * from its log.
 */
export class LevelCodes1764300000400 implements MigrationInterface {
  name = 'LevelCodes1764300000400';

  async up(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`
        ALTER TABLE ${schema}.changes DROP CONSTRAINT changes_level_check;
        ALTER TABLE ${schema}.changes ADD CONSTRAINT changes_level_check CHECK (level BETWEEN 1 AND 8)`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`
        DELETE FROM ${schema}.changes WHERE level > 3;
        DELETE FROM ${schema}.level_buckets WHERE level_group > 1;
        ALTER TABLE ${schema}.changes DROP CONSTRAINT changes_level_check;
        ALTER TABLE ${schema}.changes ADD CONSTRAINT changes_level_check CHECK (level BETWEEN 1 AND 3)`);
    }
  }
}

/** The generations that have tables: those of a dropped one are gone, its row may stand. */
async function schemas(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT schema_name FROM projections
      WHERE name = $1 AND to_regclass(schema_name || '.changes') IS NOT NULL`,
    [LEDGER_PROJECTION],
  )) as { schema_name: string }[];
  return rows.map((row) => parseLedgerSchema(row.schema_name));
}
