import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The identity that the event in a dead letter would have had, as `eventIdentity` computes it; NULL if its bytes name
 * none. A letter may hold anything, nesting that exhausts the stack of the JSON parser included, and an error here would
 * hold up the append: so every error means that. An event without a tenant is one of the platform.
 */
const identityOf = `
CREATE FUNCTION dead_letter_identity(in_raw bytea, in_tenant text)
RETURNS uuid LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  letter json;
BEGIN
  letter := convert_from(in_raw, 'UTF8')::json;
  IF json_typeof(letter) <> 'object' OR json_typeof(letter -> 'source') IS DISTINCT FROM 'string'
     OR json_typeof(letter -> 'id') IS DISTINCT FROM 'string' THEN
    RETURN NULL;
  END IF;
  RETURN encode(substring(sha256(convert_to(
    '[' || to_json(coalesce(in_tenant, 'superadmin')) || ',' || to_json(letter ->> 'source')
      || ',' || to_json(letter ->> 'id') || ']', 'UTF8')) FOR 16), 'hex')::uuid;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$`;

const column = `
ALTER TABLE dead_letters
  ADD COLUMN identity uuid GENERATED ALWAYS AS (dead_letter_identity(raw, tenant)) STORED`;

const index = `CREATE INDEX dead_letters_identity ON dead_letters (identity) WHERE identity IS NOT NULL`;

/** Dead letters are found by the tenant, source and id of the event they hold. */
export class DeadLetterIdentity1763700000100 implements MigrationInterface {
  readonly name = 'DeadLetterIdentity1763700000100';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [identityOf, column, index]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE dead_letters DROP COLUMN identity');
    await runner.query('DROP FUNCTION dead_letter_identity(bytea, text)');
  }
}
