/**
 * Columns of a batch as one-dimensional Postgres arrays in binary form, for `unnest` in set-based statements.
 * Against array literals this spares quoting every state here and parsing every number there, which otherwise
 * costs about as much as folding the batch.
 *
 * Layout: dimensions, has-nulls, element type, length, lower bound (int32 each), then per element its length
 * (int32, -1 for NULL) and bytes.
 */
const HEADER = 20;
const OID = { int8: 20, int2: 21, text: 25, numeric: 1700, uuid: 2950 } as const;

/** Numeric in base 10,000 needs 10 digits for 38 decimal ones, one more when they do not align, and 8 bytes. */
const NUMERIC_ROOM = 8 + 2 * 11;
const NUMERIC_NEGATIVE = 0x4000;
const TWO_TO_32 = 4_294_967_296;

function array(oid: number, length: number, room: number): Buffer {
  const buffer = Buffer.allocUnsafe(length === 0 ? 12 : HEADER + room);
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeInt32BE(oid, 8);
  if (length === 0) return buffer;
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer;
}

/** A `smallint[]` parameter. */
export function smallints(values: ArrayLike<number>): Buffer {
  const buffer = array(OID.int2, values.length, values.length * 6);
  for (let i = 0, at = HEADER; i < values.length; i++, at += 6) {
    buffer.writeInt32BE(2, at);
    buffer.writeInt16BE(values[i]!, at + 4);
  }
  return buffer;
}

/** A `bigint[]` parameter of safe integers; NaN becomes NULL. */
export function bigints(values: ArrayLike<number>): Buffer {
  const buffer = array(OID.int8, values.length, values.length * 12);
  let at = HEADER;
  let nulls = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    buffer.writeInt32BE(8, at);
    buffer.writeInt32BE(Math.floor(value / TWO_TO_32), at + 4);
    // ToUint32 takes a safe integer modulo 2^32, negative ones in two's complement.
    buffer.writeUInt32BE(value >>> 0, at + 8);
    at += 12;
  }
  if (nulls) buffer.writeInt32BE(1, 4);
  return values.length === 0 ? buffer : buffer.subarray(0, at);
}

/** A `text[]` parameter. */
export function texts(values: readonly (string | null)[]): Buffer {
  let room = 0;
  // A UTF-16 unit takes at most three bytes of UTF-8.
  for (let i = 0; i < values.length; i++) room += 4 + (values[i]?.length ?? 0) * 3;
  const buffer = array(OID.text, values.length, room);
  let at = HEADER;
  let nulls = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null;
    if (value === null) {
      nulls = true;
      at = buffer.writeInt32BE(-1, at);
      continue;
    }
    const written = buffer.write(value, at + 4, 'utf8');
    buffer.writeInt32BE(written, at);
    at += 4 + written;
  }
  if (nulls) buffer.writeInt32BE(1, 4);
  return values.length === 0 ? buffer : buffer.subarray(0, at);
}

/** A `uuid[]` parameter from ids of 16 bytes. */
export function uuids(values: readonly { readonly id: Buffer }[]): Buffer {
  const buffer = array(OID.uuid, values.length, values.length * 20);
  for (let i = 0, at = HEADER; i < values.length; i++, at += 20) {
    buffer.writeInt32BE(16, at);
    buffer.set(values[i]!.id, at + 4);
  }
  return buffer;
}

/**
 * A `numeric[]` parameter of integers of at most 38 digits: safe integers, or, where `large` has the place, the
 * bigint it has there.
 */
export function numerics(values: ArrayLike<number>, large?: ReadonlyMap<number, bigint>): Buffer {
  const buffer = array(OID.numeric, values.length, values.length * (4 + NUMERIC_ROOM));
  let at = HEADER;
  for (let i = 0; i < values.length; i++) {
    const big = large === undefined || large.size === 0 ? undefined : large.get(i);
    const length = writeNumeric(buffer, at + 4, big ?? values[i]!);
    buffer.writeInt32BE(length, at);
    at += 4 + length;
  }
  return values.length === 0 ? buffer : buffer.subarray(0, at);
}

/**
 * Writes an integer of at most 38 digits in the binary form of `numeric`; answers with the bytes it took.
 * @throws RangeError beyond 38 digits.
 */
export function writeNumeric(buffer: Buffer, at: number, value: number | bigint): number {
  return typeof value === 'bigint' ? writeBig(buffer, at, value) : writeNumber(buffer, at, value);
}

function numericHead(buffer: Buffer, at: number, digits: number, negative: boolean): void {
  buffer.writeInt16BE(digits, at);
  buffer.writeInt16BE(digits - 1, at + 2);
  buffer.writeInt16BE(negative ? NUMERIC_NEGATIVE : 0, at + 4);
  buffer.writeInt16BE(0, at + 6);
}

function writeNumber(buffer: Buffer, at: number, value: number): number {
  let digits = 0;
  for (let rest = Math.abs(value); rest >= 1; rest = Math.floor(rest / 10_000)) digits++;
  numericHead(buffer, at, digits, value < 0);
  let rest = Math.abs(value);
  for (let i = digits - 1; i >= 0; i--) {
    buffer.writeInt16BE(rest % 10_000, at + 8 + 2 * i);
    rest = Math.floor(rest / 10_000);
  }
  return 8 + 2 * digits;
}

function writeBig(buffer: Buffer, at: number, value: bigint): number {
  const negative = value < 0n;
  const decimal = (negative ? -value : value).toString();
  const digits = value === 0n ? 0 : Math.ceil(decimal.length / 4);
  if (digits > 11) throw new RangeError(`more than 38 digits: ${decimal}`);
  numericHead(buffer, at, digits, negative);
  for (let i = 0, end = decimal.length - 4 * (digits - 1); i < digits; i++, end += 4) {
    buffer.writeInt16BE(Number(decimal.slice(Math.max(0, end - 4), end)), at + 8 + 2 * i);
  }
  return 8 + 2 * digits;
}
