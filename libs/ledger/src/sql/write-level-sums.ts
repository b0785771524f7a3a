import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, numerics, smallints, uuids } from '../storage/columns.js';
import { COPY_FROM_ROWS, copyPieces } from '../storage/copy-rows.js';
import { type SumColumns } from '../storage/level-columns.js';

function values(columns: SumColumns): Buffer[] {
  return [
    smallints(columns.level),
    uuids(columns.key),
    smallints(columns.kind),
    bigints(columns.bucket),
    bigints(columns.d),
    bigints(columns.n),
    bigints(columns.maxT),
    numerics(columns.w, columns.largeW),
  ];
}

/** The columns as rows; in a select list, since a FROM item would copy each of them once more. */
const ROWS = `
  SELECT unnest($1::smallint[]) AS level, unnest($2::uuid[]) AS key_id, unnest($3::smallint[]) AS bucket_kind,
         unnest($4::bigint[]) AS bucket, unnest($5::bigint[]) AS d, unnest($6::bigint[]) AS n,
         unnest($7::bigint[]) AS max_t, unnest($8::numeric[]) AS w`;

/**
 * Inserts level sums that cannot be there yet; the table's own key refuses them if they are. In a replay these are
 * most rows, and MERGE would look every one of them up first.
 */
export function insertLevelSums(schema: LedgerSchema, columns: SumColumns): Statement {
  const name = 'level_sums_insert';
  const into = `${schema}.level_sums (level, key_id, bucket_kind, bucket, d, n, max_t, w)`;
  if (columns.bucket.length >= COPY_FROM_ROWS) {
    const copy = (): Iterable<Buffer> => piecesOf(columns);
    return { name, text: `COPY ${into} FROM STDIN (FORMAT binary)`, values: [], copy };
  }
  return { name, text: `INSERT INTO ${into} ${ROWS}`, values: values(columns) };
}

function piecesOf({ level, key, kind, bucket, d, n, maxT, w, largeW }: SumColumns): Iterable<Buffer> {
  return copyPieces(8, bucket.length, 110, (rows, i) => {
    rows.row().smallint(level[i]!).uuid(key[i]!.id).smallint(kind[i]!).bigint(bucket[i]!);
    rows.bigint(d[i]!).bigint(n[i]!).bigint(maxT[i]!);
    rows.numeric(w[i]!, largeW.size === 0 ? undefined : largeW.get(i));
  });
}

/** Adds to level sums. The latest change only rises here; where it was taken back, the next statement looks it up. */
export function writeLevelSums(schema: LedgerSchema, columns: SumColumns): Statement {
  return {
    name: 'level_sums',
    text: `
      MERGE INTO ${schema}.level_sums AS s
      USING (${ROWS}) AS x
      ON s.level = x.level AND s.key_id = x.key_id AND s.bucket_kind = x.bucket_kind AND s.bucket = x.bucket
      WHEN MATCHED AND s.n + x.n = 0 THEN DELETE
      WHEN MATCHED THEN
        UPDATE SET d = s.d + x.d, n = s.n + x.n, w = s.w + x.w, max_t = greatest(s.max_t, x.max_t)
      WHEN NOT MATCHED THEN INSERT (level, key_id, bucket_kind, bucket, d, n, max_t, w)
        VALUES (x.level, x.key_id, x.bucket_kind, x.bucket, x.d, x.n, x.max_t, x.w)`,
    values: values(columns),
  };
}
