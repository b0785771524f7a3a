import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/**
 * A copy of the log that anyone can check with a dozen lines of any language. One line per event and per
 * digest, in order of positions, fields separated by one space:
 *
 *     E <position> <canonical JSON of the event>
 *     D <first position> <last position> <number of events> <digest, hex>
 *
 * A `D` line seals the `E` lines since the `D` line before it: its digest is the SHA-256 of the digest
 * before it (32 zero bytes at first) followed, for each event, by its position as 8 bytes big-endian and
 * the SHA-256 of the canonical JSON as it stands in the line, in UTF-8.
 */
export class LogExport {
  private readonly stream: WriteStream;
  private lines = 0;

  constructor(file: string) {
    this.stream = createWriteStream(file, { encoding: 'utf8', mode: 0o600 });
    // An error is raised by the next write or by close, whichever comes first.
    this.stream.on('error', () => undefined);
  }

  /** Writes an event. */
  event(position: bigint, canonical: string): Promise<void> {
    return this.line(`E ${position} ${canonical}\n`);
  }

  /** Writes the digest that seals the events before it. */
  digest(first: bigint, last: bigint, events: number, digest: Buffer): Promise<void> {
    return this.line(`D ${first} ${last} ${events} ${digest.toString('hex')}\n`);
  }

  /** Ends the file and answers how many lines it has. */
  async close(): Promise<number> {
    this.stream.end();
    await finished(this.stream);
    return this.lines;
  }

  /** Gives up; what has been written stays. */
  abort(): void {
    this.stream.destroy();
  }

  private async line(text: string): Promise<void> {
    if (this.stream.errored !== null) throw this.stream.errored;
    this.lines += 1;
    // Without waiting, a slow disk would gather the whole log in memory.
    if (!this.stream.write(text)) await once(this.stream, 'drain');
  }
}
