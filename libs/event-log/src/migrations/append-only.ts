const refuse = `
CREATE FUNCTION log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % refused: the log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$`;

/**
 * A row trigger on a partitioned table is cloned to every partition, present and future, so a statement
 * aimed at a partition by name meets it too. TRUNCATE has statement triggers only, and those are not
 * cloned: each partition gets its own where it is made.
 */
const rowTrigger = (table: string) => `
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ${table}
  FOR EACH ROW EXECUTE FUNCTION log_refuse_change()`;

const truncateTrigger = (table: string) => `
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON ${table}
  FOR EACH STATEMENT EXECUTE FUNCTION log_refuse_change()`;

const PROTECTED = ['log', 'event_ids', 'log_digests'];

const eventIdPartitionTriggers = `
DO $$
DECLARE child regclass;
BEGIN
  FOR child IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'event_ids'::regclass LOOP
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s
      FOR EACH STATEMENT EXECUTE FUNCTION log_refuse_change()', child);
  END LOOP;
END $$`;

/** Statements that make the database itself refuse UPDATE, DELETE and TRUNCATE of what was written. */
export const createAppendOnly: readonly string[] = [
  refuse,
  ...PROTECTED.map(rowTrigger),
  ...PROTECTED.map(truncateTrigger),
  eventIdPartitionTriggers,
];

/** Statements that undo `createAppendOnly`, to be run after the tables (and with them the triggers) are gone. */
export const dropAppendOnly: readonly string[] = ['DROP FUNCTION log_refuse_change()'];
