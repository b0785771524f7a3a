import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How often the log has refused something, by reason, and how often it met an event again: counters that outlive every
 * process. Refusals are counted with the dead letter they leave, in its transaction and whoever writes it; duplicates,
 * which leave nothing, by whoever appends. `since_ms` is when counting began.
 */
const table = `
CREATE TABLE ingest_counts (
  kind text NOT NULL CHECK (kind IN ('rejected', 'duplicate')),
  reason text NOT NULL,
  count bigint NOT NULL,
  since_ms bigint NOT NULL,
  PRIMARY KEY (kind, reason)
)`;

const seeded = `
INSERT INTO ingest_counts (kind, reason, count, since_ms)
SELECT 'rejected', reason, sum(seen), min(first_seen_ms) FROM dead_letters GROUP BY reason`;

/** Adds to a counter and answers with it. */
const add = `
CREATE FUNCTION count_ingest(in_kind text, in_reason text, in_count bigint) RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO ingest_counts AS known (kind, reason, count, since_ms)
  VALUES (in_kind, in_reason, in_count, floor(extract(epoch FROM clock_timestamp()) * 1000))
  ON CONFLICT (kind, reason) DO UPDATE SET count = known.count + EXCLUDED.count
  RETURNING count
$$`;

const trigger = `
CREATE FUNCTION count_dead_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count_ingest('rejected', NEW.reason, CASE TG_OP WHEN 'INSERT' THEN NEW.seen ELSE NEW.seen - OLD.seen END);
  RETURN NULL;
END $$`;

const triggers = [
  `CREATE TRIGGER dead_letters_counted AFTER INSERT ON dead_letters
     FOR EACH ROW EXECUTE FUNCTION count_dead_letter()`,
  `CREATE TRIGGER dead_letters_counted_again AFTER UPDATE OF seen ON dead_letters
     FOR EACH ROW WHEN (NEW.seen > OLD.seen) EXECUTE FUNCTION count_dead_letter()`,
];

/** Counters of what the log did not take. */
export class IngestCounts1763900000200 implements MigrationInterface {
  readonly name = 'IngestCounts1763900000200';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [table, seeded, add, trigger, ...triggers]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER dead_letters_counted_again ON dead_letters');
    await runner.query('DROP TRIGGER dead_letters_counted ON dead_letters');
    await runner.query('DROP FUNCTION count_dead_letter()');
    await runner.query('DROP FUNCTION count_ingest(text, text, bigint)');
    await runner.query('DROP TABLE ingest_counts');
  }
}
