/** Number of hash partitions of `event_ids`: they keep each unique index small enough to stay in memory. */
const IDENTITY_PARTITIONS = 8;

const log = `
CREATE TABLE log (
  position bigint NOT NULL,
  recorded_ms bigint NOT NULL,
  time_ms bigint NOT NULL,
  tenant text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  dataversion integer NOT NULL,
  sequence text COLLATE "C",
  data json NOT NULL,
  PRIMARY KEY (position)
) PARTITION BY RANGE (position)`;

/** Reads of one entity (a late fact, "why is this number so") must not scan the log. */
const logByEntity = `CREATE INDEX log_entity ON log (tenant, subject, position)`;

/** CACHE 1: a range cached by one session would be handed out after a later session's positions. */
const positions = `CREATE SEQUENCE log_position_seq AS bigint CACHE 1`;

const partitions = `
CREATE TABLE log_partitions (
  first_position bigint PRIMARY KEY,
  end_position bigint NOT NULL UNIQUE CHECK (end_position > first_position)
)`;

const eventIds = `
CREATE TABLE event_ids (
  identity uuid NOT NULL,
  body_hash bytea NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (identity)
) PARTITION BY HASH (identity)`;

const eventIdPartitions = Array.from(
  { length: IDENTITY_PARTITIONS },
  (_, remainder) => `
CREATE TABLE event_ids_h${remainder} PARTITION OF event_ids
  FOR VALUES WITH (MODULUS ${IDENTITY_PARTITIONS}, REMAINDER ${remainder})`,
);

const digests = `
CREATE TABLE log_digests (
  last_position bigint PRIMARY KEY,
  first_position bigint NOT NULL,
  events integer NOT NULL CHECK (events > 0),
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  previous bytea NOT NULL CHECK (octet_length(previous) = 32)
)`;

const deadLetters = `
CREATE TABLE dead_letters (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  fingerprint bytea NOT NULL UNIQUE,
  raw bytea NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  tenant text,
  first_seen_ms bigint NOT NULL,
  last_seen_ms bigint NOT NULL,
  seen integer NOT NULL,
  job_id text,
  status text NOT NULL DEFAULT 'open'
)`;

/** Statements that make the tables of the log, in order. */
export const createTables: readonly string[] = [
  log,
  logByEntity,
  positions,
  partitions,
  eventIds,
  ...eventIdPartitions,
  digests,
  deadLetters,
];

/** Statements that undo `createTables`. */
export const dropTables: readonly string[] = [
  'DROP TABLE dead_letters',
  'DROP TABLE log_digests',
  'DROP TABLE event_ids',
  'DROP TABLE log_partitions',
  'DROP TABLE log',
  'DROP SEQUENCE log_position_seq',
];
