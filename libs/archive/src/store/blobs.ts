/**
 * Many byte strings as one parameter of a statement: `substr(bytes, start, length)` cuts them out. A literal of an
 * array of bytea would be text, twice as long, and parsed.
 */
export class Blobs {
  private readonly parts: Buffer[] = [];
  private total = 0;
  /** 1-based, as SQL counts. */
  readonly starts: number[] = [];
  readonly lengths: number[] = [];

  add(bytes: Buffer): void {
    this.parts.push(bytes);
    this.starts.push(this.total + 1);
    this.lengths.push(bytes.length);
    this.total += bytes.length;
  }

  /** All of them. */
  bytes(): Buffer {
    return Buffer.concat(this.parts, this.total);
  }
}
