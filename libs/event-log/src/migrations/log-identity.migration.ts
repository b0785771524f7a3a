import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which log this is, and when it began to count. A backup does not hold it: what is restored has lost what came after
 * the backup and goes on otherwise, so it is another log, and its counters begin when it was restored. A database of
 * before counts since it came into being.
 */
const table = `
CREATE TABLE log_identity (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  since_ms bigint NOT NULL
)`;

const row = `
DO $$
DECLARE began bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
BEGIN
  IF to_regclass('tenants') IS NOT NULL THEN
    SELECT coalesce(min(created_ms), began) INTO began FROM tenants WHERE origin = 'system';
  END IF;
  INSERT INTO log_identity (since_ms) VALUES (began);
END $$`;

/** What tells a log from every other. */
export class LogIdentity1764600000200 implements MigrationInterface {
  readonly name = 'LogIdentity1764600000200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(table);
    await runner.query(row);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE log_identity');
  }
}
