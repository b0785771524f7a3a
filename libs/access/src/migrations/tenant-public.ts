import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether the public metrics name a tenant; a tenant is private unless somebody says otherwise. */
export class TenantPublic1763900000100 implements MigrationInterface {
  name = 'TenantPublic1763900000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE tenants ADD COLUMN is_public boolean NOT NULL DEFAULT false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE tenants DROP COLUMN is_public`);
  }
}
