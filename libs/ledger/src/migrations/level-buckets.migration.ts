import type { MigrationInterface, QueryRunner } from 'typeorm';
import { LEDGER_PROJECTION, parseLedgerSchema } from '../schema.js';

const PLACES = [1, 2, 3];

/** The table as this migration made it: sums of up to three levels of a group side by side, and a view of a row each. */
function widened(schema: string): string[] {
  const columns = PLACES.map(
    (i) => `d${i} bigint NOT NULL, n${i} bigint NOT NULL, max_t${i} bigint, w${i} numeric(38,0) NOT NULL,`,
  );
  const of = (i: number) => `FILTER (WHERE (level - 1) % 3 = ${i - 1})`;
  const sums = PLACES.map(
    (i) =>
      `coalesce(sum(d) ${of(i)}, 0), coalesce(sum(n) ${of(i)}, 0), max(max_t) ${of(i)}, coalesce(sum(w) ${of(i)}, 0)`,
  );
  const levels = [1, 2, 3].flatMap((group) =>
    PLACES.map(
      (i) => `SELECT ${(group - 1) * 3 + i}::smallint AS level, bucket_kind, key_id, bucket,
          d${i} AS d, n${i} AS n, max_t${i} AS max_t, w${i} AS w
        FROM ${schema}.level_buckets WHERE level_group = ${group} AND n${i} > 0`,
    ),
  );
  return [
    `CREATE TABLE ${schema}.level_buckets (
      level_group smallint NOT NULL CHECK (level_group BETWEEN 1 AND 3),
      bucket_kind smallint NOT NULL CHECK (bucket_kind BETWEEN 1 AND 3),
      key_id uuid NOT NULL,
      bucket bigint NOT NULL,
      ${columns.join('\n      ')}
      CHECK (n1 >= 0 AND n2 >= 0 AND n3 >= 0),
      CHECK (n1 + n2 + n3 > 0),
      CHECK (${PLACES.map((i) => `(max_t${i} IS NOT NULL) = (bucket_kind = 1 AND n${i} > 0)`).join(' AND ')}),
      PRIMARY KEY (level_group, key_id, bucket_kind, bucket)
    ) WITH (fillfactor = 80)`,
    `INSERT INTO ${schema}.level_buckets
     SELECT (level - 1) / 3 + 1, bucket_kind, key_id, bucket, ${sums.join(', ')}
       FROM ${schema}.level_sums GROUP BY (level - 1) / 3, key_id, bucket_kind, bucket`,
    `DROP TABLE ${schema}.level_sums`,
    `CREATE VIEW ${schema}.level_sums AS ${levels.join(' UNION ALL ')}`,
  ];
}

/** Puts the sums of levels that move together into one row; every generation is changed in place, its numbers stay. */
export class LevelBuckets1764100000400 implements MigrationInterface {
  name = 'LevelBuckets1764100000400';

  async up(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner))
      for (const statement of widened(schema)) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const schema of await schemas(runner)) {
      await runner.query(`
        CREATE TABLE ${schema}.level_rows AS SELECT * FROM ${schema}.level_sums;
        DROP VIEW ${schema}.level_sums;
        DROP TABLE ${schema}.level_buckets;
        CREATE TABLE ${schema}.level_sums (
          level smallint NOT NULL CHECK (level BETWEEN 1 AND 3),
          bucket_kind smallint NOT NULL CHECK (bucket_kind BETWEEN 1 AND 3),
          key_id uuid NOT NULL,
          bucket bigint NOT NULL,
          d bigint NOT NULL,
          n bigint NOT NULL CHECK (n > 0),
          max_t bigint CHECK ((max_t IS NOT NULL) = (bucket_kind = 1)),
          w numeric(38,0) NOT NULL,
          PRIMARY KEY (level, key_id, bucket_kind, bucket)
        ) WITH (fillfactor = 80);
        INSERT INTO ${schema}.level_sums SELECT * FROM ${schema}.level_rows WHERE level <= 3;
        DROP TABLE ${schema}.level_rows`);
    }
  }
}

/** The generations that have tables: those of a dropped one are gone, its row may stand. */
async function schemas(runner: QueryRunner): Promise<string[]> {
  const rows = (await runner.query(
    `SELECT schema_name FROM projections
      WHERE name = $1 AND to_regclass(schema_name || '.level_sums') IS NOT NULL`,
    [LEDGER_PROJECTION],
  )) as { schema_name: string }[];
  return rows.map((row) => parseLedgerSchema(row.schema_name));
}
