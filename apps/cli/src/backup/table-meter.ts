import { createHash } from 'node:crypto';
import { type TableSums } from './format.js';

const NEWLINE = 10;

/** Adds up the rows of a table, in whatever pieces they come. */
export class TableMeter {
  private readonly hash = createHash('sha256');
  private rows = 0;
  private bytes = 0;

  constructor(private readonly table: string) {}

  /** Takes in the next piece. */
  add(chunk: Buffer): void {
    this.hash.update(chunk);
    this.bytes += chunk.length;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) this.rows += 1;
  }

  /** Bytes so far. */
  get size(): number {
    return this.bytes;
  }

  /** Rows so far. */
  get count(): number {
    return this.rows;
  }

  /** The sums; nothing can be added afterwards. */
  sums(): TableSums {
    const { table, rows, bytes } = this;
    return { table, rows, bytes, sha256: this.hash.digest('hex') };
  }
}
