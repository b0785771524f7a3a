import type { ByteReader, ByteWriter } from './bytes.js';

/** How values are written: the smallest way that keeps every bit of what matters. */
const CONSTANT = 0;
const INT8 = 1;
const INT16 = 2;
const INT32 = 3;
const FLOAT32 = 4;
const FLOAT64 = 5;
const SIZES = [0, 1, 2, 4, 4, 8] as const;

/** Writes values; their number is not written. */
export function writeValues(writer: ByteWriter, values: Float64Array): void {
  const kind = kindOf(values);
  writer.u8(kind);
  if (kind === CONSTANT) {
    const { buffer, at } = writer.room(8);
    buffer.writeDoubleLE(values[0] ?? 0, at);
    return;
  }
  const size = SIZES[kind]!;
  const { buffer, at: start } = writer.room(values.length * size);
  let at = start;
  for (let i = 0; i < values.length; i += 1, at += size) {
    const value = values[i]!;
    if (kind === FLOAT64) buffer.writeDoubleLE(value, at);
    else if (kind === FLOAT32) buffer.writeFloatLE(value, at);
    else buffer.writeIntLE(value, at, size);
  }
}

/** Reads so many values. */
export function readValues(reader: ByteReader, length: number): Float64Array {
  const values = new Float64Array(length);
  const kind = reader.u8();
  if (kind === CONSTANT) {
    const { buffer, at } = reader.skip(8);
    return values.fill(buffer.readDoubleLE(at));
  }
  const size = sizeOf(kind);
  const { buffer, at: start } = reader.skip(length * size);
  let at = start;
  for (let i = 0; i < length; i += 1, at += size) {
    if (kind === FLOAT64) values[i] = buffer.readDoubleLE(at);
    else if (kind === FLOAT32) values[i] = buffer.readFloatLE(at);
    else values[i] = buffer.readIntLE(at, size);
  }
  return values;
}

/** Passes over so many values. */
export function skipValues(reader: ByteReader, length: number): void {
  const kind = reader.u8();
  reader.skip(kind === CONSTANT ? 8 : length * sizeOf(kind));
}

function sizeOf(kind: number): number {
  const size = SIZES[kind];
  if (size === undefined || size === 0) throw new RangeError(`Stored values are of unknown kind ${kind}.`);
  return size;
}

function kindOf(values: Float64Array): number {
  let [constant, integer, single] = [true, true, true];
  let [least, most] = [0, 0];
  const first = values[0];
  for (const value of values) {
    // Object.is: a zero keeps its sign, and NaN is NaN.
    if (constant && !Object.is(value, first)) constant = false;
    if (integer && (!Number.isInteger(value) || Object.is(value, -0))) integer = false;
    if (single && !Object.is(Math.fround(value), value)) single = false;
    if (!constant && !integer && !single) return FLOAT64;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (constant) return CONSTANT;
  if (integer) {
    if (least >= -0x80 && most < 0x80) return INT8;
    if (least >= -0x8000 && most < 0x8000) return INT16;
    if (least >= -0x8000_0000 && most < 0x8000_0000) return INT32;
  }
  return single ? FLOAT32 : FLOAT64;
}
