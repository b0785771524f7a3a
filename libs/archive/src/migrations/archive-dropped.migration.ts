import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Measures for which there was no room beside those that wait for their metric, and indexes for lists of resources as
 * they are sorted where nobody says how. What was dropped refers to no metric, as what is pending does not.
 */
export class ArchiveDropped1764500000500 implements MigrationInterface {
  name = 'ArchiveDropped1764500000500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE archive_dropped (
        metric_id uuid PRIMARY KEY,
        measures bigint NOT NULL
      )`);
    // Not in every database that has the series: their migration has come without it.
    await runner.query(
      `CREATE INDEX IF NOT EXISTS archive_series_late ON archive_series (late) WHERE late > 0`,
    );
    await runner.query(`
      CREATE INDEX archive_resources_of_tenant ON archive_resources (tenant, revision_start_us, started_us, id)`);
    await runner.query(`
      CREATE INDEX archive_resources_of_all ON archive_resources (revision_start_us, started_us, id, tenant)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX archive_resources_of_all, archive_resources_of_tenant`);
    await runner.query(`DROP TABLE archive_dropped`);
  }
}
