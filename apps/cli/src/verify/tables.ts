import type { PoolClient } from 'pg';

/**
 * The temporary tables of one verification: `found_*` is a copy of what the ledger holds, `expected_*`
 * what the naive fold says, `stated_*` what the stored states of the entities come to. They live in the session's own schema, so two verifications never meet.
 */
const TABLES = `
  CREATE TEMP TABLE found_amounts (family text, tenant text, labels text, value numeric);
  CREATE TEMP TABLE found_members (family text, tenant text, labels text, member text, score bigint);
  CREATE TEMP TABLE found_keys (key_id uuid, grain smallint, tenant text, user_id text, queue text,
    cluster text, template text, provider text, hardware text, image text, services text[]);
  CREATE TEMP TABLE found_changes (level smallint, t bigint, key_id uuid, d bigint, n bigint);
  CREATE TEMP TABLE found_sums (level smallint, key_id uuid, bucket_kind smallint, bucket bigint,
    d bigint, w numeric, n bigint, max_t bigint);
  CREATE TEMP TABLE found_redis_totals (family text, tenant text, labels text, value text);
  CREATE TEMP TABLE found_redis_members (family text, tenant text, labels text, member text, score text);
  CREATE TEMP TABLE found_states (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text, kind smallint,
    id text, state text);
  CREATE TEMP TABLE skipped (position bigint PRIMARY KEY);

  CREATE TEMP TABLE expected_amounts (family text, tenant text, labels text, value numeric);
  CREATE TEMP TABLE expected_members (LIKE found_members);
  CREATE TEMP TABLE expected_keys (LIKE found_keys);
  CREATE TEMP TABLE expected_grains (key_id uuid PRIMARY KEY, tenant text, keys uuid[]);
  CREATE TEMP TABLE expected_changes (level smallint, t bigint, key_id uuid, d bigint, n bigint);
  CREATE TEMP TABLE expected_sums (LIKE found_sums);
  CREATE TEMP TABLE stated_amounts (LIKE expected_amounts);
  CREATE TEMP TABLE stated_members (LIKE found_members);
  CREATE TEMP TABLE stated_changes (LIKE expected_changes);
  CREATE TEMP TABLE parts (root text, tenant text, id text, says text)`;

/** Creates the temporary tables in the session of `client`. */
export async function createTables(client: PoolClient): Promise<void> {
  await dropTables(client);
  await client.query(TABLES);
  // With the default of 4 MB the level sums of a few hundred thousand changes are sorted on disk, several times.
  await client.query("SET work_mem = '64MB'");
}

/** Gives the session back as it was. */
export async function dropTables(client: PoolClient): Promise<void> {
  await client.query('DISCARD TEMP');
  await client.query('RESET ALL');
}
