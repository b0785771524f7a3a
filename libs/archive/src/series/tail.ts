import { type Column, NO_BUCKETS } from '../aggregate/aggregate.js';
import type { Instant } from '../measures/points.js';
import { methodCode } from '../policy/methods.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { readKeys, writeKeys } from './keys-codec.js';
import { readValues, skipValues, writeValues } from './values-codec.js';

/** The newest buckets of one aggregation of a granularity. */
export interface TailColumn {
  readonly column: Column;
  /** The newest bucket there is, in the tail or in splits; -1: none yet. */
  readonly newest: number;
}

/** The newest buckets of a granularity. */
export interface TailPart {
  readonly granularityNs: bigint;
  /** Buckets before this one are in splits, the others in the tail. */
  readonly sealedTo: number;
  /** By the code of the method. */
  readonly columns: ReadonlyMap<number, TailColumn>;
}

/**
 * The newest buckets of all series of a metric: what most measures change. They are kept together, so that a measure
 * writes one row; when they have become many, they move to the splits.
 */
export type Tail = readonly TailPart[];

/** Version 1 did not tell where the window is open from. */
const VERSION = 2;
const SHARED_KEYS = 0;
const OWN_KEYS = 1;

const writer = new ByteWriter();

/** The bytes of a tail. @param openFrom from when on the metric takes points, see `SeriesState`. */
export function encodeTail(tail: Tail, openFrom: Instant | null): Buffer {
  writer.u8(VERSION);
  writer.varint(openFrom === null ? 0 : openFrom.seconds + 1);
  writer.varint(openFrom?.nanos ?? 0);
  writer.varint(tail.length);
  for (const { granularityNs, sealedTo, columns } of tail) {
    // Two varints: nanoseconds may take more bits than a double counts exactly.
    writer.varint(Number(granularityNs / 1_000_000_000n));
    writer.varint(Number(granularityNs % 1_000_000_000n));
    writer.varint(sealedTo);
    // Most methods have a value for every bucket: the keys of the longest column serve all that have the same.
    const shared = longest([...columns.values()].map(({ column }) => column.keys));
    writeKeys(writer, shared);
    writer.varint(columns.size);
    for (const [code, { column, newest }] of columns) {
      writer.varint(code);
      writer.varint(newest + 1);
      const same = sameKeys(column.keys, shared);
      writer.u8(same ? SHARED_KEYS : OWN_KEYS);
      if (!same) writeKeys(writer, column.keys);
      writeValues(writer, column.values);
    }
  }
  return writer.take();
}

/** The tail of bytes, and from when on the metric takes points. @throws RangeError if the bytes are none */
export function decodeTail(bytes: Buffer): { readonly tail: Tail; readonly openFrom: Instant | null } {
  const reader = new ByteReader(bytes);
  const openFrom = readHead(reader);
  return { tail: readParts(reader, null), openFrom };
}

/**
 * One aggregation of a tail, by granularity; granularities that have none of it are left out.
 * @throws RangeError if the bytes are none of a tail
 */
export function decodeTailOf(
  bytes: Buffer,
  method: string,
): ReadonlyMap<bigint, TailColumn & { sealedTo: number }> {
  const code = methodCode(method);
  const found = new Map<bigint, TailColumn & { sealedTo: number }>();
  const reader = new ByteReader(bytes);
  readHead(reader);
  for (const { granularityNs, sealedTo, columns } of readParts(reader, code)) {
    const column = columns.get(code);
    if (column !== undefined) found.set(granularityNs, { ...column, sealedTo });
  }
  return found;
}

function readHead(reader: ByteReader): Instant | null {
  const version = reader.u8();
  if (version === 1) return null;
  if (version !== VERSION) throw new RangeError(`Stored points are of unknown version ${version}.`);
  const seconds = reader.varint() - 1;
  const nanos = reader.varint();
  return seconds < 0 ? null : { seconds, nanos };
}

function readParts(reader: ByteReader, only: number | null): TailPart[] {
  return Array.from({ length: reader.varint() }, () => {
    const granularityNs = BigInt(reader.varint()) * 1_000_000_000n + BigInt(reader.varint());
    const sealedTo = reader.varint();
    const shared = readKeys(reader);
    const columns = new Map<number, TailColumn>();
    const size = reader.varint();
    for (let i = 0; i < size; i += 1) {
      const code = reader.varint();
      const newest = reader.varint() - 1;
      const keys = reader.u8() === SHARED_KEYS ? shared : readKeys(reader);
      if (only !== null && code !== only) skipValues(reader, keys.length);
      else columns.set(code, { newest, column: { keys, values: readValues(reader, keys.length) } });
    }
    return { granularityNs, sealedTo, columns };
  });
}

function sameKeys(a: Float64Array, b: Float64Array): boolean {
  return a === b || (a.length === b.length && a.every((key, i) => key === b[i]));
}

function longest(keys: readonly Float64Array[]): Float64Array {
  return keys.reduce((most, one) => (one.length > most.length ? one : most), NO_BUCKETS.keys);
}
