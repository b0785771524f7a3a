import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Several generations of a projection's tables beside each other, each in a schema of its own, at most one of them
 * live and one being built.
 *
 * The compare-and-set names the schema and the status: after a promotion the live row may stand at the very position
 * that a runner of the retired tables goes on from, and its batch would advance a checkpoint whose tables it does
 * not write.
 */
export class ProjectionGenerations1763700000300 implements MigrationInterface {
  name = 'ProjectionGenerations1763700000300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE projections DROP CONSTRAINT projections_pkey`);
    await runner.query(`ALTER TABLE projections ADD PRIMARY KEY (name, schema_name)`);
    await runner.query(
      `CREATE UNIQUE INDEX projections_building ON projections (name) WHERE status = 'building'`,
    );
    await runner.query(`DROP FUNCTION advance_checkpoint(text, int, bigint, bigint, text, bigint)`);
    await runner.query(`
      CREATE FUNCTION advance_checkpoint(
        p_name text, p_schema text, p_status text, p_version int, p_from bigint, p_to bigint, p_code_hash text,
        p_now_ms bigint
      ) RETURNS uuid LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE projections
        SET position = p_to, code_hash = p_code_hash, updated_ms = p_now_ms,
            halted_position = NULL, halted_error = NULL, halted_ms = NULL
        WHERE name = p_name AND schema_name = p_schema AND status = p_status AND version = p_version
          AND position = p_from AND code_hash IN ('', p_code_hash);
        IF NOT FOUND THEN
          RAISE EXCEPTION 'checkpoint of % is not at % any more', p_name, p_from USING ERRCODE = 'QP001';
        END IF;
        RETURN (SELECT epoch FROM ledger_epoch);
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP FUNCTION advance_checkpoint(text, text, text, int, bigint, bigint, text, bigint)`,
    );
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
    await runner.query(`DROP INDEX projections_building`);
    await runner.query(`ALTER TABLE projections DROP CONSTRAINT projections_pkey`);
    await runner.query(`ALTER TABLE projections ADD PRIMARY KEY (name, version)`);
  }
}
