import type { Column } from '../aggregate/aggregate.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { readKeys, writeKeys } from './keys-codec.js';
import { readValues, writeValues } from './values-codec.js';

/** How many buckets a split spans; its number is that of its first bucket divided by this. */
export const SPLIT_BUCKETS = 3_600;

const writer = new ByteWriter();

/** The split that a bucket is in. */
export function splitOf(key: number): number {
  return Math.floor(key / SPLIT_BUCKETS);
}

/** The bytes of a split: its buckets, counted from its beginning. */
export function encodeSplit(split: number, { keys, values }: Column): Buffer {
  const base = split * SPLIT_BUCKETS;
  writeKeys(
    writer,
    keys.map((key) => key - base),
  );
  writeValues(writer, values);
  return writer.take();
}

/** The buckets of a split. @throws RangeError if the bytes are none of a split */
export function decodeSplit(split: number, bytes: Buffer): Column {
  const reader = new ByteReader(bytes);
  const base = split * SPLIT_BUCKETS;
  const keys = readKeys(reader).map((key) => key + base);
  return { keys, values: readValues(reader, keys.length) };
}
