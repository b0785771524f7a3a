import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_PROJECTION, parseLedgerSchema } from '../schema.js';
import { RETIRED_MS, workersIndex } from './ledger-tables.js';

/** An index of workers by when they were retired, in every generation: those that are there are found without the others. */
export class PresentWorkers1764400000400 implements MigrationInterface {
  name = 'PresentWorkers1764400000400';

  async up(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`ALTER TABLE ${schema}.entities ADD COLUMN ${RETIRED_MS}`);
      await runner.query(workersIndex(parseLedgerSchema(schema)));
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`ALTER TABLE ${schema}.entities DROP COLUMN retired_ms`);
    }
  }
}

/** The generations that have tables: those of a dropped one are gone, its row may stand. */
async function schemas(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT schema_name FROM projections
      WHERE name = $1 AND to_regclass(schema_name || '.entities') IS NOT NULL`,
    [LEDGER_PROJECTION],
  )) as { schema_name: string }[];
  return rows.map((row) => parseLedgerSchema(row.schema_name));
}
