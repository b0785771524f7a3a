import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_PROJECTION, parseLedgerSchema } from '../schema.js';

/**
 * Room for the entities that metrics are made of: more kinds, and members under labels instead of a queue. Every
 * generation is changed in place. The numbers in it stay readable and right as of their checkpoint; a projector of
 * this version refuses to go on from them, because states made before lack what the new kinds and fields need, until
 * the ledger is rebuilt from its log.
 */
export class MetricEntities1764000000400 implements MigrationInterface {
  name = 'MetricEntities1764000000400';

  async up(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`
        ALTER TABLE ${schema}.entities DROP CONSTRAINT entities_kind_check;
        ALTER TABLE ${schema}.entities ADD CONSTRAINT entities_kind_check CHECK (kind BETWEEN 1 AND 19);
        ALTER TABLE ${schema}.members RENAME COLUMN queue TO labels;
        UPDATE ${schema}.members SET labels = '{"queue":' || to_json(labels)::text || '}';
        UPDATE ${schema}.amounts SET family = 'quipu_workers' WHERE family = 'workers'`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`
        DELETE FROM ${schema}.entities WHERE kind > 3;
        ALTER TABLE ${schema}.entities DROP CONSTRAINT entities_kind_check;
        ALTER TABLE ${schema}.entities ADD CONSTRAINT entities_kind_check CHECK (kind BETWEEN 1 AND 3);
        DELETE FROM ${schema}.members WHERE family <> 'waiting';
        UPDATE ${schema}.members SET labels = labels::json ->> 'queue';
        ALTER TABLE ${schema}.members RENAME COLUMN labels TO queue;
        DELETE FROM ${schema}.amounts WHERE family <> ALL
          ('{jobs,jobs_finished,nodes,intervals_skewed,intervals_estimated,quipu_workers}'::text[]);
        UPDATE ${schema}.amounts SET family = 'workers' WHERE family = 'quipu_workers'`);
    }
  }
}

/** The generations that have tables: those of a dropped one are gone, its row may stand. */
async function schemas(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT schema_name FROM projections
      WHERE name = $1 AND to_regclass(schema_name || '.members') IS NOT NULL`,
    [LEDGER_PROJECTION],
  )) as { schema_name: string }[];
  return rows.map((row) => parseLedgerSchema(row.schema_name));
}
