/** A line of a file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly bytes: Buffer;
  /** Whether the line was longer than the limit and `bytes` holds only its beginning. */
  readonly cut: boolean;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a stream of bytes, many at a time, without their line ends (`\n` or `\r\n`). A line longer
 * than `maxBytes` is cut there, so that a file without line ends cannot fill the memory.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes = 256 * 1024,
): AsyncGenerator<Line[]> {
  let number = 0;
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let cut = false;
  const keep = (bytes: Buffer): void => {
    const room = maxBytes - keptBytes;
    if (bytes.length > room) cut = true;
    if (room <= 0 || bytes.length === 0) return;
    const part = bytes.subarray(0, room);
    kept.push(part);
    keptBytes += part.length;
  };
  const take = (): Line => {
    number += 1;
    let bytes = kept.length === 1 ? kept[0]! : Buffer.concat(kept);
    if (bytes.length > 0 && bytes[bytes.length - 1] === RETURN) bytes = bytes.subarray(0, -1);
    const line = { number, bytes, cut };
    kept = [];
    keptBytes = 0;
    cut = false;
    return line;
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      lines.push(take());
      from = end + 1;
    }
    keep(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (keptBytes > 0) yield [take()];
}
