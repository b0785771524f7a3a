import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For how long a key was made, ms, noted when a rotation shortens its life; -1: without an end. */
export class KeyLifetime1764700000100 implements MigrationInterface {
  name = 'KeyLifetime1764700000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE api_keys ADD COLUMN lifetime_ms bigint`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE api_keys DROP COLUMN lifetime_ms`);
  }
}
