import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { errorMessage } from '@quipu/platform';
import { CheckFailedError } from '../support/exit-codes.js';
import { type BackupEnd, type BackupHead, END_OF_ROWS, FORMAT_VERSION, type TableHead } from './format.js';
import { TableMeter } from './table-meter.js';

/** Takes what a backup holds, in the order of the file. */
export interface BackupSink {
  head(head: BackupHead): Promise<void>;
  open(table: TableHead): Promise<void>;
  rows(chunk: Buffer): Promise<void>;
  /** The rows of the table are all there. */
  close(): Promise<void>;
}

/** What {@link readBackup} needs. */
export interface ReadOptions {
  readonly file: string;
  readonly signal: AbortSignal;
  /** Called often, with the bytes of the file read so far. */
  readonly progress: (bytes: number) => void;
}

const LONGEST_LINE = 1 << 24;
const NEWLINE = 10;
const TERMINATOR = Buffer.from(`\n${END_OF_ROWS}\n`);

/**
 * Reads a backup and checks all that can be checked without a database.
 * @throws CheckFailedError when the file is no backup, is cut, or is not as it was written; by then the sink may have
 *   been given rows. Whatever the sink throws, the reason of `signal`, errors of the file system.
 */
export async function readBackup(options: ReadOptions, sink: BackupSink): Promise<BackupEnd> {
  const { file, signal, progress } = options;
  const input = createReadStream(file, { highWaterMark: 1 << 18 });
  const reader = new BackupParser(file, sink);
  let sunk: unknown;
  try {
    await pipeline(
      input,
      createGunzip({ chunkSize: 1 << 18 }),
      async (source: AsyncIterable<Buffer>) => {
        for await (const chunk of source) {
          try {
            await reader.take(chunk);
          } catch (error) {
            sunk = error;
            throw error;
          }
          progress(input.bytesRead);
        }
      },
      { signal },
    );
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (sunk === undefined && code.startsWith('Z_')) throw damaged(file, errorMessage(error));
    throw sunk ?? error;
  }
  return reader.finish();
}

function damaged(file: string, why: string): CheckFailedError {
  return new CheckFailedError(`${file} is not a good backup: ${why}.`, {
    hint: 'It is cut, changed, or something else. Nothing was restored from it; use another one.',
  });
}

class BackupParser {
  private rest: Buffer = Buffer.alloc(0);
  private head: { line: string } | null = null;
  private meter: TableMeter | null = null;
  private readonly meters: TableMeter[] = [];
  private end: BackupEnd | null = null;

  constructor(
    private readonly file: string,
    private readonly sink: BackupSink,
  ) {}

  async take(chunk: Buffer): Promise<void> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (this.rest.length > 0) {
      const going = this.meter === null ? await this.takeLine() : await this.takeRows(this.meter);
      if (!going) return;
    }
  }

  finish(): BackupEnd {
    const { end, head } = this;
    if (end === null || head === null || this.rest.length > 0) throw damaged(this.file, 'its end is missing');
    if (createHash('sha256').update(head.line).digest('hex') !== end.head) {
      throw damaged(this.file, 'its first line was changed');
    }
    const sums = this.meters.map((meter) => meter.sums());
    if (sums.length !== end.tables.length) throw damaged(this.file, 'tables are missing');
    sums.forEach(({ table, rows, sha256 }, i) => {
      const wanted = end.tables[i];
      if (wanted?.table !== table || wanted.rows !== rows || wanted.sha256 !== sha256) {
        throw damaged(this.file, `the rows of ${table} are not those that were written`);
      }
    });
    return end;
  }

  /** @returns false when more bytes are needed. */
  private async takeLine(): Promise<boolean> {
    const at = this.rest.indexOf(NEWLINE);
    if (at < 0) {
      if (this.rest.length > LONGEST_LINE) throw damaged(this.file, 'a line never ends');
      return false;
    }
    const line = this.rest.toString('utf8', 0, at + 1);
    // The newline stays: with it, the end of an empty table looks like that of any other.
    this.rest = this.rest.subarray(at);
    let value: Partial<BackupHead & TableHead & { end: BackupEnd }>;
    try {
      value = JSON.parse(line) as typeof value;
    } catch {
      throw damaged(this.file, 'a line is no JSON');
    }
    if (this.end !== null) throw damaged(this.file, 'something follows its end');
    if (this.head === null) {
      if (value['quipu-backup'] === undefined) throw damaged(this.file, 'it does not begin like one');
      if (value['quipu-backup'] !== FORMAT_VERSION) {
        throw damaged(this.file, `this version cannot read format ${value['quipu-backup']}`);
      }
      this.head = { line };
      await this.sink.head(value as BackupHead);
    } else if (value.table !== undefined) {
      this.meter = new TableMeter(value.table);
      await this.sink.open(value as TableHead);
      return true;
    } else if (value.end !== undefined) this.end = value.end;
    else throw damaged(this.file, 'a line means nothing');
    this.rest = this.rest.subarray(1);
    return true;
  }

  /** Everything up to the terminator; what may be its beginning waits. `rest` begins with the newline before. */
  private async takeRows(meter: TableMeter): Promise<boolean> {
    const at = this.rest.indexOf(TERMINATOR);
    const upTo = at >= 0 ? at + 1 : this.rest.length - TERMINATOR.length + 1;
    if (upTo > 1) {
      const rows = this.rest.subarray(1, upTo);
      meter.add(rows);
      await this.sink.rows(rows);
      this.rest = this.rest.subarray(upTo - 1);
    }
    if (at < 0) return false;
    await this.sink.close();
    this.meters.push(meter);
    this.meter = null;
    this.rest = this.rest.subarray(TERMINATOR.length);
    return true;
  }
}
