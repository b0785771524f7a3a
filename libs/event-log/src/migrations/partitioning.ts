/** A function and not a setting, so that every session agrees on it. */
const size = `
CREATE FUNCTION log_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 10000000::bigint'`;

/**
 * Makes partitions until positions below `needed` have one, and the next one as soon as less than a
 * tenth of a partition is left. Called only by the append, which holds its lock. A partition is made apart
 * and then attached: ATTACH takes SHARE UPDATE EXCLUSIVE on the log, CREATE ... PARTITION OF would take
 * ACCESS EXCLUSIVE and wait for, and block, every reader.
 */
export const ensurePartitions = `
CREATE FUNCTION log_ensure_partitions(needed bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  size bigint;
  made bigint;
  child text;
BEGIN
  SELECT max(end_position) INTO made FROM log_partitions;
  made := coalesce(made, 0);
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

/** Statements that make the functions which extend the log by partitions. */
export const createPartitioning: readonly string[] = [size, ensurePartitions];

/** Statements that undo `createPartitioning`. */
export const dropPartitioning: readonly string[] = [
  'DROP FUNCTION log_ensure_partitions(bigint)',
  'DROP FUNCTION log_partition_size()',
];
