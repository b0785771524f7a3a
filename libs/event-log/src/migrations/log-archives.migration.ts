import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ensurePartitions } from './partitioning.js';

/**
 * Partitions of the log that were moved to files. They are the beginning of the log, without a hole: whoever sees a
 * row finds the events below `end_position` in the files, whether or not the partition is still there (`detached_ms`).
 */
const archives = `
CREATE TABLE log_archives (
  first_position bigint PRIMARY KEY,
  end_position bigint NOT NULL UNIQUE CHECK (end_position > first_position),
  file text NOT NULL UNIQUE,
  bytes bigint NOT NULL,
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  index_bytes bigint NOT NULL,
  index_sha256 bytea NOT NULL CHECK (octet_length(index_sha256) = 32),
  events bigint NOT NULL CHECK (events > 0),
  first_recorded_ms bigint NOT NULL,
  last_recorded_ms bigint NOT NULL,
  head_position bigint NOT NULL,
  head bytea NOT NULL CHECK (octet_length(head) = 32),
  archived_ms bigint NOT NULL,
  detached_ms bigint
)`;

/** A hole in the archives would be a hole in the log for every reader. */
const prefix = `
CREATE FUNCTION log_archives_stay_a_prefix() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  reached bigint := 0;
  part record;
BEGIN
  FOR part IN SELECT first_position, end_position FROM log_archives ORDER BY first_position LOOP
    IF part.first_position <> reached THEN
      RAISE EXCEPTION 'the archives of the log would have a hole from % to %', reached, part.first_position
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    reached := part.end_position;
  END LOOP;
  RETURN NULL;
END $$`;

const prefixTrigger = `
CREATE TRIGGER stay_a_prefix AFTER INSERT OR UPDATE OR DELETE ON log_archives
  FOR EACH STATEMENT EXECUTE FUNCTION log_archives_stay_a_prefix()`;

/**
 * Drops the partition of an archive. Its lock shuts out everybody who reads or appends, so it is waited for only
 * briefly: behind a waiter, all others would queue.
 */
const detach = `
CREATE FUNCTION log_detach_archived(in_first bigint) RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM log_archives WHERE first_position = in_first AND detached_ms IS NULL) THEN
    RAISE EXCEPTION 'no archive waits for the partition at % to be dropped', in_first;
  END IF;
  IF NOT EXISTS (SELECT FROM log WHERE position >= (SELECT max(end_position) FROM log_archives)) THEN
    RAISE EXCEPTION 'the partition at % is still being filled', in_first;
  END IF;
  EXECUTE format('ALTER TABLE log DETACH PARTITION %I', 'log_p' || in_first);
  EXECUTE format('DROP TABLE %I', 'log_p' || in_first);
  DELETE FROM log_partitions WHERE first_position = in_first;
  UPDATE log_archives SET detached_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)
   WHERE first_position = in_first;
END $$`;

/**
 * As before, except that the first partition of a log whose beginning is in files begins where they end: a restored
 * database has archives and no partition yet.
 */
const ensure = `
CREATE OR REPLACE FUNCTION log_ensure_partitions(needed bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  size bigint;
  made bigint;
  child text;
BEGIN
  SELECT max(end_position) INTO made FROM log_partitions;
  made := coalesce(made, (SELECT max(end_position) FROM log_archives), 0);
  size := log_partition_size();
  WHILE made - needed < size / 10 LOOP
    child := 'log_p' || made;
    EXECUTE format('CREATE TABLE %I (LIKE log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)', child);
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION log_refuse_change()', child);
    EXECUTE format('ALTER TABLE log ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', child, made, made + size);
    INSERT INTO log_partitions (first_position, end_position) VALUES (made, made + size);
    made := made + size;
  END LOOP;
END $$`;

/** `archive` moves old partitions of the log to files; this is where it notes them. */
export class LogArchives1763900000000 implements MigrationInterface {
  readonly name = 'LogArchives1763900000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [archives, prefix, prefixTrigger, ensure, detach]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION log_detach_archived(bigint)');
    await runner.query(ensurePartitions.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION'));
    await runner.query('DROP TABLE log_archives');
    await runner.query('DROP FUNCTION log_archives_stay_a_prefix()');
  }
}
