/** Writes numbers into bytes that grow as needed; everything little-endian. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafe(256);
  private length = 0;

  /** A byte. */
  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  /** An exact integer from 0 on, seven bits a byte. */
  varint(value: number): void {
    this.reserve(9);
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length] = (rest % 128) + 128;
      this.length += 1;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length] = rest;
    this.length += 1;
  }

  /** Room for so many bytes, to be filled by the caller. */
  room(bytes: number): { buffer: Buffer; at: number } {
    this.reserve(bytes);
    const at = this.length;
    this.length += bytes;
    return { buffer: this.bytes, at };
  }

  /** What was written; the writer starts anew. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

/** Reads what a {@link ByteWriter} wrote. Bytes that end too early are a RangeError. */
export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Whether everything was read. */
  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    const { buffer, at } = this.skip(1);
    return buffer[at]!;
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  }

  /** The next bytes: where they are, and past them. */
  skip(bytes: number): { buffer: Buffer; at: number } {
    const at = this.at;
    if (at + bytes > this.bytes.length) throw new RangeError('Stored points end too early.');
    this.at += bytes;
    return { buffer: this.bytes, at };
  }
}
