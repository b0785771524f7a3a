import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The measures of metrics. No row per point: one row of state per metric, one per split of a series. Blobs are packed
 * already: Postgres need not try to compress them, which took longer than all else. A deleted metric takes its series
 * with it; what is pending refers to none, since the check would wait for a metric that is being deleted, and with it
 * all others of a batch: it is swept.
 */
export class ArchiveSeries1764200000700 implements MigrationInterface {
  name = 'ArchiveSeries1764200000700';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE archive_batches (
        id uuid PRIMARY KEY,
        committed_ms bigint NOT NULL
      )`);
    await runner.query(`CREATE INDEX archive_batches_by_age ON archive_batches (committed_ms)`);
    await runner.query(`
      CREATE TABLE archive_pending (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        metric_id uuid NOT NULL,
        measures integer NOT NULL,
        points bytea NOT NULL
      )`);
    await runner.query(`CREATE INDEX archive_pending_by_metric ON archive_pending (metric_id, id)`);
    await runner.query(`
      CREATE TABLE archive_series (
        metric_id uuid PRIMARY KEY REFERENCES archive_metrics (id) ON DELETE CASCADE,
        late bigint NOT NULL,
        raw bytea NOT NULL,
        tail bytea NOT NULL
      )`);
    // Few metrics have measures that came too late: a scrape sums those alone.
    await runner.query(`CREATE INDEX archive_series_late ON archive_series (late) WHERE late > 0`);
    await runner.query(`
      CREATE TABLE archive_splits (
        metric_id uuid NOT NULL REFERENCES archive_metrics (id) ON DELETE CASCADE,
        granularity_ns bigint NOT NULL,
        aggregation smallint NOT NULL,
        split bigint NOT NULL,
        buckets bytea NOT NULL,
        PRIMARY KEY (metric_id, granularity_ns, aggregation, split)
      )`);
    await runner.query(`
      ALTER TABLE archive_series ALTER COLUMN raw SET STORAGE EXTERNAL, ALTER COLUMN tail SET STORAGE EXTERNAL`);
    await runner.query(`ALTER TABLE archive_splits ALTER COLUMN buckets SET STORAGE EXTERNAL`);
    await runner.query(`ALTER TABLE archive_pending ALTER COLUMN points SET STORAGE EXTERNAL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE archive_splits, archive_series, archive_pending, archive_batches`);
  }
}
