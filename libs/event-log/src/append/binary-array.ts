/**
 * One-dimensional Postgres arrays in binary form, as a parameter of a query. Against array literals in text
 * this spares escaping here, unescaping there, and the doubling of every bytea.
 *
 * Layout: dimensions, has-nulls, element type, length, lower bound (int32 each), then per element its length
 * (int32, -1 for NULL) and bytes.
 */
const HEADER = 20;
const EMPTY = 12;
const OID = { bytea: 17, int8: 20, text: 25, uuid: 2950 } as const;

function header(buffer: Buffer, oid: number, length: number, hasNulls: boolean): void {
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(hasNulls ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  if (length === 0) return;
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
}

function empty(oid: number): Buffer {
  const buffer = Buffer.alloc(EMPTY);
  header(buffer, oid, 0, false);
  return buffer;
}

/** A `text[]` parameter; null and undefined become NULL. Ill-formed UTF-16 becomes U+FFFD. */
export function textArray(values: readonly (string | null | undefined)[]): Buffer {
  if (values.length === 0) return empty(OID.text);
  let room = HEADER;
  // A UTF-16 unit takes at most three bytes of UTF-8.
  for (const value of values) room += 4 + (value?.length ?? 0) * 3;
  const buffer = Buffer.allocUnsafe(room);
  let at = HEADER;
  let hasNulls = false;
  for (const value of values) {
    if (value === null || value === undefined) {
      hasNulls = true;
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const written = buffer.write(value, at + 4, 'utf8');
    at = buffer.writeInt32BE(written, at) + written;
  }
  header(buffer, OID.text, values.length, hasNulls);
  return buffer.subarray(0, at);
}

/** A `bigint[]` parameter of integers; beyond 2^63 it throws a RangeError. */
export function int8Array(values: readonly number[]): Buffer {
  if (values.length === 0) return empty(OID.int8);
  const buffer = Buffer.allocUnsafe(HEADER + values.length * 12);
  header(buffer, OID.int8, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(8, at);
    at = buffer.writeBigInt64BE(BigInt(value), at);
  }
  return buffer;
}

/** A `bytea[]` parameter. */
export function byteaArray(values: readonly Buffer[]): Buffer {
  if (values.length === 0) return empty(OID.bytea);
  let room = HEADER;
  for (const value of values) room += 4 + value.length;
  const buffer = Buffer.allocUnsafe(room);
  header(buffer, OID.bytea, values.length, false);
  let at = HEADER;
  for (const value of values) {
    at = buffer.writeInt32BE(value.length, at);
    value.copy(buffer, at);
    at += value.length;
  }
  return buffer;
}

/**
 * A `uuid[]` (of the first 16 bytes) or `bytea[]` (of 32 bytes) parameter from SHA-256 sums in hexadecimal:
 * a hash handed over as hexadecimal text costs less than half of one handed over as a Buffer.
 */
export function hashArray(sums: readonly string[], type: 'uuid' | 'bytea'): Buffer {
  if (sums.length === 0) return empty(OID[type]);
  const size = type === 'uuid' ? 16 : 32;
  const buffer = Buffer.allocUnsafe(HEADER + sums.length * (4 + size));
  header(buffer, OID[type], sums.length, false);
  let at = HEADER;
  for (const sum of sums) {
    at = buffer.writeInt32BE(size, at);
    buffer.write(sum, at, size, 'hex');
    at += size;
  }
  return buffer;
}
