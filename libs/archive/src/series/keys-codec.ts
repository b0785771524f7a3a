import type { ByteReader, ByteWriter } from './bytes.js';

/** Writes ascending keys as runs without gaps: how many runs, then each one's distance to the one before, and length. */
export function writeKeys(writer: ByteWriter, keys: Float64Array): void {
  const runs: number[] = [];
  let next = 0;
  for (let i = 0; i < keys.length;) {
    const from = i;
    const start = keys[i]!;
    while (i < keys.length && keys[i] === start + (i - from)) i += 1;
    runs.push(start - next, i - from);
    next = start + (i - from);
  }
  writer.varint(runs.length / 2);
  for (const number of runs) writer.varint(number);
}

/** Reads keys. */
export function readKeys(reader: ByteReader): Float64Array {
  const runs = reader.varint();
  const starts: number[] = [];
  const lengths: number[] = [];
  let [next, total] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    const start = next + reader.varint();
    const length = reader.varint();
    starts.push(start);
    lengths.push(length);
    next = start + length;
    total += length;
  }
  const keys = new Float64Array(total);
  let at = 0;
  for (let run = 0; run < runs; run += 1) {
    for (let i = 0; i < lengths[run]!; i += 1, at += 1) keys[at] = starts[run]! + i;
  }
  return keys;
}
