import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Tenants, principals, keys and the audit. The trigger on `tenants` keeps ids and names in one space: an
 * id that is another tenant's name would make `tenant=<text>` and an event's tenant ambiguous, and the
 * events of one tenant could be booked on another. It takes a lock, because two inserts that do not see
 * each other's rows would both pass the check.
 */
export class AccessTables1763600000100 implements MigrationInterface {
  name = 'AccessTables1763600000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE tenants (
        id text PRIMARY KEY CHECK (id <> ''),
        name text NOT NULL UNIQUE CHECK (name <> ''),
        created_ms bigint NOT NULL,
        origin text NOT NULL CHECK (origin IN ('system', 'admin', 'event'))
      )`);
    await runner.query(`
      CREATE FUNCTION refuse_ambiguous_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('quipu.tenants'));
        IF EXISTS (SELECT FROM tenants t WHERE t.id <> NEW.id AND (t.id = NEW.name OR t.name = NEW.id)) THEN
          RAISE unique_violation USING
            MESSAGE = format('tenant id %L or name %L already names another tenant', NEW.id, NEW.name),
            CONSTRAINT = 'tenants_id_name_space';
        END IF;
        RETURN NEW;
      END $$`);
    await runner.query(`
      CREATE TRIGGER tenants_id_name_space BEFORE INSERT OR UPDATE ON tenants
        FOR EACH ROW EXECUTE FUNCTION refuse_ambiguous_tenant()`);
    await runner.query(`
      INSERT INTO tenants (id, name, created_ms, origin)
      VALUES ('superadmin', 'superadmin', floor(extract(epoch FROM now()) * 1000), 'system')`);
    await runner.query(`
      CREATE TABLE principals (
        tenant_id text NOT NULL REFERENCES tenants (id),
        name text NOT NULL CHECK (name <> ''),
        role text NOT NULL CHECK (role IN ('superadmin', 'admin', 'user', 'reporter', 'scraper')),
        source_prefix text,
        created_ms bigint NOT NULL,
        PRIMARY KEY (tenant_id, name),
        CONSTRAINT superadmins_in_tenant_superadmin CHECK (role <> 'superadmin' OR tenant_id = 'superadmin'),
        CONSTRAINT only_reporters_are_bound CHECK (source_prefix IS NULL OR role = 'reporter')
      )`);
    await runner.query(`
      CREATE TABLE api_keys (
        id uuid PRIMARY KEY,
        key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
        tenant_id text NOT NULL,
        principal_name text NOT NULL,
        label text NOT NULL,
        created_ms bigint NOT NULL,
        expires_ms bigint,
        revoked_ms bigint,
        FOREIGN KEY (tenant_id, principal_name) REFERENCES principals (tenant_id, name)
      )`);
    await runner.query(`CREATE INDEX api_keys_by_principal ON api_keys (tenant_id, principal_name)`);
    await runner.query(`
      CREATE TABLE audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at_ms bigint NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        detail jsonb NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE audit, api_keys, principals, tenants`);
    await runner.query(`DROP FUNCTION refuse_ambiguous_tenant()`);
  }
}
