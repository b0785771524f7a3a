import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Pool } from 'pg';
import type { ChainBatch } from '../chain/walk-chain.js';
import { readAfter } from '../reading/read-after.js';
import { batchLine, eventLine, headerLine } from './archive-lines.js';

const zip = promisify(gzip);

/** Text of one gzip member: small enough that reading one entity's events unpacks little, large enough to pack well. */
const BLOCK_BYTES = 1 << 18;
const GZIP_LEVEL = 6;
const PAGE = { maxEvents: 2_000, maxBytes: 8 << 20 };
const DIGEST_PAGE = 1_000;

/** A range of positions, `end` not in it. */
export interface PartRange {
  readonly first: bigint;
  readonly end: bigint;
}

/** What was written: what reading it back must come to. */
export interface WrittenArchive {
  /** Of the lines, before they were packed, hexadecimal. */
  readonly content: string;
  /** Length of each gzip member. */
  readonly blocks: readonly number[];
  readonly events: number;
}

/** How long work goes on, and what is told meanwhile. */
export interface ArchiveWatch {
  readonly signal: AbortSignal;
  /** Called often, with the events so far. */
  readonly progress: (events: number) => void;
}

/**
 * Writes a partition of the log, which nobody appends to any more, to a file, and waits until it is on disk.
 * @throws the reason of the signal, the driver's errors, those of the file system.
 */
export async function writeArchive(
  pool: Pool,
  range: PartRange,
  path: string,
  watch: ArchiveWatch,
): Promise<WrittenArchive> {
  const file = await open(path, 'w', 0o600);
  try {
    const blocks = new BlockWriter(file);
    const batches = chainBatches(pool, range);
    let batch = await batches.next();
    const previous = batch.done ? '00'.repeat(32) : batch.value.previous.toString('hex');
    const sum = { batches: 0, events: 0, head: previous };
    await blocks.add(headerLine(range.first, range.end, previous));
    for await (const events of pages(pool, range)) {
      watch.signal.throwIfAborted();
      for (const event of events) {
        while (!batch.done && batch.value.firstPosition <= event.position) {
          await blocks.add(batchLine(batch.value));
          sum.batches += 1;
          sum.head = batch.value.digest.toString('hex');
          batch = await batches.next();
        }
        await blocks.add(eventLine(event));
        sum.events += 1;
      }
      watch.progress(sum.events);
    }
    await blocks.finish(JSON.stringify({ end: sum }));
    await file.sync();
    return { content: blocks.content(), blocks: blocks.lengths, events: sum.events };
  } finally {
    await file.close();
  }
}

async function* pages(pool: Pool, { first, end }: PartRange) {
  for (let after = first - 1n; ;) {
    const page = await readAfter(pool, after, PAGE);
    const within = page.filter(({ position }) => position < end);
    if (within.length > 0) yield within;
    if (within.length < page.length || page.length === 0) return;
    after = page.at(-1)!.position;
  }
}

/** The appends that have events in a range, in order. */
export async function* chainBatches(
  pool: Pool,
  { first, end }: PartRange,
): AsyncGenerator<ChainBatch, undefined> {
  for (let after = first - 1n; ;) {
    const { rows } = await pool.query<{
      first_position: string;
      last_position: string;
      events: number;
      previous: Buffer;
      digest: Buffer;
    }>(
      `SELECT first_position, last_position, events, previous, digest FROM log_digests
       WHERE last_position > $1 AND first_position < $2 ORDER BY last_position LIMIT ${DIGEST_PAGE}`,
      [String(after), String(end)],
    );
    for (const { events, previous, digest, ...row } of rows) {
      after = BigInt(row.last_position);
      yield { firstPosition: BigInt(row.first_position), lastPosition: after, events, previous, digest };
    }
    if (rows.length < DIGEST_PAGE) return undefined;
  }
}

/** Packs lines into gzip members of about one size. */
class BlockWriter {
  readonly lengths: number[] = [];
  private readonly hash = createHash('sha256');
  private readonly lines: string[] = [];
  private size = 0;

  constructor(private readonly file: FileHandle) {}

  async add(line: string): Promise<void> {
    // The next line decides: so the last member has events in it, and not just the end line.
    if (this.size >= BLOCK_BYTES) await this.flush();
    this.lines.push(line);
    this.size += line.length;
  }

  async finish(line: string): Promise<void> {
    this.lines.push(line);
    await this.flush();
  }

  content(): string {
    return this.hash.digest('hex');
  }

  private async flush(): Promise<void> {
    const text = Buffer.from(`${this.lines.join('\n')}\n`);
    this.lines.length = 0;
    this.size = 0;
    this.hash.update(text);
    const packed = await zip(text, { level: GZIP_LEVEL });
    await this.file.writeFile(packed);
    this.lengths.push(packed.length);
  }
}
