import { type Pool } from 'pg';

/** One row of the answer: bytes as decimal text. */
export interface FileSize {
  readonly category: string;
  readonly scope: string;
  readonly size: string;
}

/**
 * The tables in which Debusine keeps artifacts and their files, with its keys and indexes, filled from the very
 * events that the ledger has folded.
 */
const TABLES = `
CREATE SCHEMA reference;
SET LOCAL search_path = reference, public;
CREATE TABLE db_scope (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE NOT NULL);
CREATE TABLE db_workspace (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  scope_id bigint NOT NULL REFERENCES db_scope
);
CREATE TABLE db_artifact (
  id bigint PRIMARY KEY,
  category text NOT NULL,
  workspace_id bigint NOT NULL REFERENCES db_workspace,
  created_at timestamptz NOT NULL,
  data jsonb NOT NULL
);
CREATE TABLE db_file (id bigint PRIMARY KEY, sha256 bytea NOT NULL, size bigint NOT NULL);
CREATE TABLE db_fileinartifact (
  id bigint PRIMARY KEY,
  path text NOT NULL,
  complete boolean NOT NULL,
  artifact_id bigint NOT NULL REFERENCES db_artifact,
  file_id bigint NOT NULL REFERENCES db_file
);
INSERT INTO db_scope (name) SELECT DISTINCT tenant FROM log WHERE type = 'artifact.created';
INSERT INTO db_workspace (name, scope_id) SELECT 'System', id FROM db_scope;
INSERT INTO db_artifact
  SELECT log.position, log.data->>'category', db_workspace.id, to_timestamp(log.time_ms / 1000.0), '{}'
  FROM log JOIN db_scope ON db_scope.name = log.tenant JOIN db_workspace ON db_workspace.scope_id = db_scope.id
  WHERE log.type = 'artifact.created';
CREATE TEMPORARY TABLE entries ON COMMIT DROP AS
  SELECT row_number() OVER () AS id, log.position AS artifact_id, file->>'path' AS path,
    (file->>'size')::bigint AS size
  FROM log, json_array_elements(log.data->'files') AS file
  WHERE log.type = 'artifact.created';
INSERT INTO db_file SELECT id, sha256(int8send(id)), size FROM entries;
INSERT INTO db_fileinartifact SELECT id, path, true, artifact_id, id FROM entries;
CREATE UNIQUE INDEX ON db_file (sha256, size);
CREATE INDEX ON db_workspace (scope_id);
CREATE INDEX ON db_artifact (workspace_id);
CREATE UNIQUE INDEX ON db_fileinartifact (artifact_id, path);
CREATE INDEX ON db_fileinartifact (file_id);
`;

/** Creates and fills the tables, in a schema of their own. */
export async function createFileTables(pool: Pool): Promise<void> {
  await pool.query(`BEGIN;${TABLES}COMMIT;`);
}

/** The query that Debusine's design gives for the family, as it stands there. */
const FILE_SIZES = `
SELECT SUM(size)::text AS size, category, db_scope.name AS scope
FROM reference.db_file
INNER JOIN reference.db_fileinartifact ON (db_file.id = db_fileinartifact.file_id)
INNER JOIN reference.db_artifact ON (db_fileinartifact.artifact_id = db_artifact.id)
INNER JOIN reference.db_workspace ON (db_workspace.id = db_artifact.workspace_id)
INNER JOIN reference.db_scope ON (db_scope.id = db_workspace.scope_id)
GROUP BY category, scope
`;

/** Sums the sizes of files, for each artifact that lists them, by category and scope. */
export async function fileSizes(pool: Pool): Promise<FileSize[]> {
  return (await pool.query<FileSize>(FILE_SIZES)).rows;
}
