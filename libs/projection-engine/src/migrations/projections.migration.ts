import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Checkpoints, skips and the ledger epoch.
 *
 * `advance_checkpoint` is the compare-and-set that opens every batch. It raises instead of updating no row: the
 * statements of a batch are sent without waiting for each other's answer, and after an error Postgres refuses all
 * that follow, so a zombie cannot touch a row of tables that somebody else leads. The code hash is part of the
 * comparison, because a runner whose code was replaced by a reseed would find its position unchanged; an empty one
 * means that nothing was folded yet, so that any code may begin.
 */
export class Projections1763600000300 implements MigrationInterface {
  name = 'Projections1763600000300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE projections (
        name text NOT NULL,
        version int NOT NULL,
        schema_name text NOT NULL,
        status text NOT NULL CHECK (status IN ('building', 'live', 'retired')),
        position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
        code_hash text NOT NULL DEFAULT '',
        halted_position bigint,
        halted_error text,
        halted_ms bigint,
        updated_ms bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (name, version)
      ) WITH (fillfactor = 50)`);
    await runner.query(`CREATE UNIQUE INDEX projections_live ON projections (name) WHERE status = 'live'`);
    await runner.query(`
      CREATE TABLE projection_skips (
        name text NOT NULL,
        position bigint NOT NULL,
        reason text NOT NULL,
        by_whom text NOT NULL,
        at_ms bigint NOT NULL,
        PRIMARY KEY (name, position)
      )`);
    await runner.query(`
      CREATE TABLE ledger_epoch (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        epoch uuid NOT NULL
      )`);
    await runner.query(`INSERT INTO ledger_epoch (epoch) VALUES (gen_random_uuid())`);
    await runner.query(`
      CREATE FUNCTION advance_checkpoint(
        p_name text, p_version int, p_from bigint, p_to bigint, p_code_hash text, p_now_ms bigint
      ) RETURNS uuid LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE projections
        SET position = p_to, code_hash = p_code_hash, updated_ms = p_now_ms,
            halted_position = NULL, halted_error = NULL, halted_ms = NULL
        WHERE name = p_name AND version = p_version AND status = 'live'
          AND position = p_from AND code_hash IN ('', p_code_hash);
        IF NOT FOUND THEN
          RAISE EXCEPTION 'checkpoint of % is not at % any more', p_name, p_from USING ERRCODE = 'QP001';
        END IF;
        RETURN (SELECT epoch FROM ledger_epoch);
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION advance_checkpoint(text, int, bigint, bigint, text, bigint)`);
    await runner.query(`DROP TABLE ledger_epoch`);
    await runner.query(`DROP TABLE projection_skips`);
    await runner.query(`DROP TABLE projections`);
  }
}
