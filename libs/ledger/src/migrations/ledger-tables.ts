import { KIND_CODES, LEVEL_CODES } from '../entities/types.js';
import { type LedgerSchema } from '../schema.js';
import { levelBucketTables } from '../sql/level-sums.js';

/** Greatest code of a kind of entity. */
const LAST_KIND = Math.max(...Object.values(KIND_CODES));
/** Greatest code of a level. */
const LAST_LEVEL = Math.max(...Object.values(LEVEL_CODES));

/** When a worker was retired, ms: told by its state, kept beside it for the index. */
export const RETIRED_MS = `retired_ms bigint GENERATED ALWAYS AS (
        CASE WHEN kind = ${KIND_CODES.worker} THEN (state ->> 'retired')::bigint END) STORED`;

/** What stands in the index of workers for those that are not retired: after all times. */
export const NEVER_RETIRED = '9223372036854775807';

/**
 * The workers of a tenant, by when they were retired: each start of a program may leave one behind for ever, and who asks
 * for those that are there must not read them. An index on the state itself would keep every update of a job from staying
 * on its page; what this one is made of does not change with it.
 */
export function workersIndex(schema: LedgerSchema): string {
  return `CREATE INDEX entities_workers ON ${schema}.entities (tenant, (coalesce(retired_ms, ${NEVER_RETIRED})))
    WHERE kind = ${KIND_CODES.worker}`;
}

/**
 * Statements that make the tables of one generation of the ledger. Only the ledger projection writes them.
 * No second index of `members` begins like its key: on a table that was never analysed the planner would take it for
 * as good as the key, and look a member up by reading its whole queue.
 *
 * Fill factors leave room for updates in place: totals of the present are rewritten by every batch.
 */
export function ledgerTables(schema: LedgerSchema): string[] {
  return [
    `CREATE SCHEMA ${schema}`,
    `CREATE TABLE ${schema}.entities (
      tenant text NOT NULL,
      kind smallint NOT NULL CHECK (kind BETWEEN 1 AND ${LAST_KIND}),
      id text NOT NULL,
      state json NOT NULL,
      last_position bigint NOT NULL,
      ${RETIRED_MS},
      PRIMARY KEY (tenant, kind, id)
    ) WITH (fillfactor = 85)`,
    workersIndex(schema),
    `CREATE TABLE ${schema}.amounts (
      family text NOT NULL,
      tenant text NOT NULL,
      labels text NOT NULL,
      value numeric(38,0) NOT NULL CHECK (value <> 0),
      PRIMARY KEY (family, tenant, labels)
    ) WITH (fillfactor = 50)`,
    `CREATE TABLE ${schema}.members (
      family text NOT NULL,
      tenant text NOT NULL,
      labels text NOT NULL,
      member text NOT NULL,
      score bigint NOT NULL,
      PRIMARY KEY (family, tenant, labels, member) INCLUDE (score)
    )`,
    `CREATE TABLE ${schema}.usage_keys (
      key_id uuid PRIMARY KEY,
      grain smallint NOT NULL CHECK (grain BETWEEN 0 AND 3),
      tenant text,
      user_id text,
      queue text,
      cluster text,
      template text,
      provider text,
      hardware text,
      image text,
      services text[] NOT NULL
    )`,
    `CREATE INDEX usage_keys_tenant_user ON ${schema}.usage_keys (grain, tenant, user_id)`,
    `CREATE INDEX usage_keys_cluster ON ${schema}.usage_keys (grain, cluster) WHERE grain = 0`,
    `CREATE TABLE ${schema}.changes (
      level smallint NOT NULL CHECK (level BETWEEN 1 AND ${LAST_LEVEL}),
      t bigint NOT NULL,
      key_id uuid NOT NULL,
      d bigint NOT NULL,
      n int NOT NULL CHECK (n > 0),
      PRIMARY KEY (level, t, key_id)
    )`,
    ...levelBucketTables(schema),
  ];
}
