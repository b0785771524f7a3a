import { newPoints, type Points } from '../measures/points.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { readValues, writeValues } from './values-codec.js';

const writer = new ByteWriter();

/** The bytes of points sorted by time: seconds as runs of equal steps, nanoseconds only where there are any. */
export function encodeRaw({ seconds, nanos, values }: Points): Buffer {
  const length = seconds.length;
  writer.varint(length);
  if (length === 0) return writer.take();
  writer.varint(seconds[0]!);
  for (let i = 1; i < length;) {
    const from = i;
    const step = seconds[i]! - seconds[i - 1]!;
    while (i < length && seconds[i]! - seconds[i - 1]! === step) i += 1;
    writer.varint(step);
    writer.varint(i - from);
  }
  const whole = nanos.every((n) => n === 0);
  writer.u8(whole ? 0 : 1);
  if (!whole) {
    const { buffer, at } = writer.room(length * 4);
    for (let i = 0; i < length; i += 1) buffer.writeUInt32LE(nanos[i]!, at + i * 4);
  }
  writeValues(writer, values);
  return writer.take();
}

/** The points of bytes. @throws RangeError if the bytes are none */
export function decodeRaw(bytes: Buffer): Points {
  const reader = new ByteReader(bytes);
  const length = reader.varint();
  const { seconds, nanos } = newPoints(length);
  if (length === 0) return { seconds, nanos, values: new Float64Array(0) };
  let second = reader.varint();
  seconds[0] = second;
  for (let i = 1; i < length;) {
    const step = reader.varint();
    const end = i + reader.varint();
    if (end > length || end === i) throw new RangeError('Stored points are broken.');
    for (; i < end; i += 1) seconds[i] = second += step;
  }
  if (reader.u8() !== 0) {
    const { buffer, at } = reader.skip(length * 4);
    for (let i = 0; i < length; i += 1) nanos[i] = buffer.readUInt32LE(at + i * 4);
  }
  return { seconds, nanos, values: readValues(reader, length) };
}
