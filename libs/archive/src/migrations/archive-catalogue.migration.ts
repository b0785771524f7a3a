import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Archive policies, rules, resources and metrics. Names compare by code points, so that rules match in the same order
 * in every locale. A resource's id belongs to its tenant: two tenants may give theirs the same id, and a metric cannot
 * hang on another tenant's resource. A deleted resource takes its metrics with it, a deleted metric its series.
 */
export class ArchiveCatalogue1764200000500 implements MigrationInterface {
  name = 'ArchiveCatalogue1764200000500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE archive_policies (
        name text COLLATE "C" PRIMARY KEY,
        back_window integer NOT NULL CHECK (back_window >= 0),
        granularities_ns bigint[] NOT NULL CHECK (cardinality(granularities_ns) > 0),
        points bigint[] NOT NULL CHECK (cardinality(points) = cardinality(granularities_ns)),
        aggregation_methods text[] NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE archive_rules (
        name text COLLATE "C" PRIMARY KEY,
        archive_policy_name text COLLATE "C" NOT NULL REFERENCES archive_policies (name),
        metric_pattern text COLLATE "C" NOT NULL
      )`);
    await runner.query(`CREATE INDEX archive_rules_by_policy ON archive_rules (archive_policy_name)`);
    await runner.query(`
      CREATE TABLE archive_resources (
        tenant text NOT NULL REFERENCES tenants (id),
        id uuid NOT NULL,
        type text NOT NULL DEFAULT 'generic',
        original_resource_id text NOT NULL,
        creator text COLLATE "C" NOT NULL,
        user_id text COLLATE "C",
        project_id text COLLATE "C",
        started_us bigint NOT NULL,
        ended_us bigint,
        revision_start_us bigint NOT NULL,
        PRIMARY KEY (tenant, id),
        CONSTRAINT archive_resources_ended_after_start CHECK (started_us <= ended_us)
      )`);
    await runner.query(`
      CREATE TABLE archive_metrics (
        id uuid PRIMARY KEY,
        tenant text NOT NULL REFERENCES tenants (id),
        creator text COLLATE "C" NOT NULL,
        name text COLLATE "C",
        unit text COLLATE "C",
        archive_policy_name text COLLATE "C" NOT NULL REFERENCES archive_policies (name),
        resource_id uuid,
        created_ms bigint NOT NULL,
        FOREIGN KEY (tenant, resource_id) REFERENCES archive_resources (tenant, id) ON DELETE CASCADE,
        CONSTRAINT archive_metrics_of_resource_named CHECK (resource_id IS NULL OR name IS NOT NULL)
      )`);
    await runner.query(`
      CREATE UNIQUE INDEX archive_metrics_by_resource ON archive_metrics (tenant, resource_id, name)
       WHERE resource_id IS NOT NULL`);
    await runner.query(`CREATE INDEX archive_metrics_by_tenant ON archive_metrics (tenant, id)`);
    await runner.query(`CREATE INDEX archive_metrics_by_policy ON archive_metrics (archive_policy_name)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE archive_metrics, archive_resources, archive_rules, archive_policies`);
  }
}
