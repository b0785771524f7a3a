import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, smallints, uuids } from '../storage/columns.js';
import { COPY_FROM_ROWS, copyPieces } from '../storage/copy-rows.js';
import { type ChangeColumns } from '../storage/level-columns.js';

function values(columns: ChangeColumns): Buffer[] {
  return [
    smallints(columns.level),
    bigints(columns.t),
    uuids(columns.key),
    bigints(columns.d),
    bigints(columns.n),
  ];
}

/** The columns as rows; in a select list, since a FROM item would copy each of them once more. */
const ROWS = `
  SELECT unnest($1::smallint[]) AS level, unnest($2::bigint[]) AS t, unnest($3::uuid[]) AS key_id,
         unnest($4::bigint[]) AS d, unnest($5::bigint[]) AS n`;

/** Inserts level changes that cannot be there yet; the table's own key refuses them if they are. */
export function insertChanges(schema: LedgerSchema, columns: ChangeColumns): Statement {
  const name = 'changes_insert';
  const into = `${schema}.changes (level, t, key_id, d, n)`;
  if (columns.t.length >= COPY_FROM_ROWS) {
    const copy = (): Iterable<Buffer> => piecesOf(columns);
    return { name, text: `COPY ${into} FROM STDIN (FORMAT binary)`, values: [], copy };
  }
  return { name, text: `INSERT INTO ${into} ${ROWS}`, values: values(columns) };
}

function piecesOf({ level, t, key, d, n }: ChangeColumns): Iterable<Buffer> {
  return copyPieces(5, t.length, 60, (rows, i) => {
    rows.row().smallint(level[i]!).bigint(t[i]!).uuid(key[i]!.id).bigint(d[i]!).integer(n[i]!);
  });
}

/** Adds to level changes; `n` counts the contributions behind a row, which goes when the last one is taken back. */
export function writeChanges(schema: LedgerSchema, columns: ChangeColumns): Statement {
  return {
    name: 'changes',
    text: `
      MERGE INTO ${schema}.changes AS c
      USING (${ROWS}) AS x
      ON c.level = x.level AND c.t = x.t AND c.key_id = x.key_id
      WHEN MATCHED AND c.n + x.n = 0 THEN DELETE
      WHEN MATCHED THEN UPDATE SET d = c.d + x.d, n = c.n + x.n
      WHEN NOT MATCHED THEN INSERT (level, t, key_id, d, n) VALUES (x.level, x.t, x.key_id, x.d, x.n)`,
    values: values(columns),
  };
}
