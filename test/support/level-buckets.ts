/**
 * SQL that writes level sums as rows (`level, bucket_kind, key_id, bucket, d, n, max_t, w`, from a table expression) into
 * `level_buckets`, where levels 1 to 9 stand side by side in groups of three.
 */
export function insertLevelRows(schema: string, rows: string): string {
  const places = [1, 2, 3].map((place) => {
    const of = `FILTER (WHERE (level - 1) % 3 = ${place - 1})`;
    return `coalesce(sum(d) ${of}, 0), coalesce(sum(n) ${of}, 0), max(max_t) ${of}, coalesce(sum(w) ${of}, 0)`;
  });
  return `INSERT INTO ${schema}.level_buckets (level_group, bucket_kind, key_id, bucket,
      d1, n1, max_t1, w1, d2, n2, max_t2, w2, d3, n3, max_t3, w3)
    SELECT (level - 1) / 3 + 1, bucket_kind, key_id, bucket, ${places.join(', ')}
      FROM ${rows} AS r GROUP BY (level - 1) / 3, bucket_kind, key_id, bucket`;
}
