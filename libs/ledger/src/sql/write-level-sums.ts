import { type Statement } from '@quipu/projection-engine';
import { type LedgerSchema } from '../schema.js';
import { bigints, numerics, smallints, uuids } from '../storage/columns.js';
import { COPY_FROM_ROWS, copyPieces } from '../storage/copy-rows.js';
import { type SumColumns } from '../storage/level-columns.js';

/** Numbers of the places of a row, as the table's columns carry them. */
const NUMBERS = [1, 2, 3] as const;
const COLUMNS = `level_group, key_id, bucket_kind, bucket, ${each((i) => `d${i}, n${i}, max_t${i}, w${i}`)}`;

/** The columns as rows; in a select list, since a FROM item would copy each of them once more. */
const ROWS = `
  SELECT unnest($1::smallint[]) AS level_group, unnest($2::uuid[]) AS key_id, unnest($3::smallint[]) AS bucket_kind,
         unnest($4::bigint[]) AS bucket, ${each(
           (i) => `unnest($${4 * i + 1}::bigint[]) AS d${i}, unnest($${4 * i + 2}::bigint[]) AS n${i},
         unnest($${4 * i + 3}::bigint[]) AS max_t${i}, unnest($${4 * i + 4}::numeric[]) AS w${i}`,
         )}`;

function each(one: (place: number) => string, between = ', '): string {
  return NUMBERS.map(one).join(between);
}

function values({ group, key, kind, bucket, places }: SumColumns): Buffer[] {
  return [
    ...[smallints(group), uuids(key), smallints(kind), bigints(bucket)],
    ...places.flatMap(({ d, n, maxT, w, largeW }) => [
      ...[bigints(d), bigints(n), bigints(maxT), numerics(w, largeW)],
    ]),
  ];
}

/**
 * Inserts level sums that cannot be there yet; the table's own key refuses them if they are. In a replay these are
 * most rows, and MERGE would look every one of them up first.
 */
export function insertLevelSums(schema: LedgerSchema, columns: SumColumns): Statement {
  const name = 'level_sums_insert';
  const into = `${schema}.level_buckets (${COLUMNS})`;
  if (columns.bucket.length >= COPY_FROM_ROWS) {
    const copy = (): Iterable<Buffer> => piecesOf(columns);
    return { name, text: `COPY ${into} FROM STDIN (FORMAT binary)`, values: [], copy };
  }
  return { name, text: `INSERT INTO ${into} ${ROWS}`, values: values(columns) };
}

function piecesOf({ group, key, kind, bucket, places }: SumColumns): Iterable<Buffer> {
  return copyPieces(4 + 4 * places.length, bucket.length, 260, (rows, i) => {
    rows.row().smallint(group[i]!).uuid(key[i]!.id).smallint(kind[i]!).bigint(bucket[i]!);
    for (let place = 0; place < places.length; place++) {
      const { d, n, maxT, w, largeW } = places[place]!;
      rows.bigint(d[i]!).bigint(n[i]!).bigint(maxT[i]!);
      rows.numeric(w[i]!, largeW.size === 0 ? undefined : largeW.get(i));
    }
  });
}

/** Adds to level sums. The latest change only rises here; where it was taken back, the next statement looks it up. */
export function writeLevelSums(schema: LedgerSchema, columns: SumColumns): Statement {
  return {
    name: 'level_sums',
    text: `
      MERGE INTO ${schema}.level_buckets AS s
      USING (${ROWS}) AS x
      ON s.level_group = x.level_group AND s.key_id = x.key_id AND s.bucket_kind = x.bucket_kind
         AND s.bucket = x.bucket
      WHEN MATCHED AND ${each((i) => `s.n${i} + x.n${i} = 0`, ' AND ')} THEN DELETE
      WHEN MATCHED THEN UPDATE SET ${each(
        (i) => `d${i} = s.d${i} + x.d${i}, n${i} = s.n${i} + x.n${i}, w${i} = s.w${i} + x.w${i},
        max_t${i} = CASE WHEN s.n${i} + x.n${i} > 0 THEN greatest(s.max_t${i}, x.max_t${i}) END`,
      )}
      WHEN NOT MATCHED THEN INSERT (${COLUMNS})
        VALUES (x.level_group, x.key_id, x.bucket_kind, x.bucket,
                ${each((i) => `x.d${i}, x.n${i}, x.max_t${i}, x.w${i}`)})`,
    values: values(columns),
  };
}
