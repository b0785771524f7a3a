/** What an element of a {@link pgArray} may be. */
export type PgArrayElement = string | number | bigint | Buffer | null | boolean;

/**
 * The Postgres array literal of `values`, for `unnest($1::text[])` and its like in hot statements: one
 * string is several times cheaper than pg's own walk over the array. A Buffer becomes a bytea, null NULL.
 */
export function pgArray(values: readonly PgArrayElement[]): string {
  let out = '{';
  for (let i = 0; i < values.length; i += 1) {
    if (i > 0) out += ',';
    out += element(values[i] ?? null);
  }
  return `${out}}`;
}

function element(value: PgArrayElement): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'object') return `"\\\\x${value.toString('hex')}"`;
  return String(value);
}

function quoted(value: string): string {
  // Most texts hold neither: two searches are cheaper than a replace with a pattern.
  if (!value.includes('"') && !value.includes('\\')) return `"${value}"`;
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}
