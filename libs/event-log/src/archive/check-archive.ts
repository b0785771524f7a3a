import { createHash, hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { StoredEvent } from '@quipu/contracts';
import type { Pool } from 'pg';
import type { ChainBatch } from '../chain/walk-chain.js';
import { bodyHash } from '../identity.js';
import { readAfter } from '../reading/read-after.js';
import { ArchiveDamagedError } from './archive-errors.js';
import { type ArchiveBlock, encodeIndex, entityHash, indexEntry } from './archive-index.js';
import { canonicalIn, entityTextIn, eventIn, isEventLine, positionOf } from './archive-lines.js';
import type { ArchivedLog } from './archived-log.js';
import { type ArchiveWatch, chainBatches, type PartRange, type WrittenArchive } from './write-archive.js';

const unzip = promisify(gunzip);

/** What reading an archive back came to. */
export interface CheckedArchive {
  readonly bytes: number;
  readonly sha256: string;
  readonly index: Buffer;
  readonly events: number;
  readonly firstRecordedMs: number;
  readonly lastRecordedMs: number;
  readonly headPosition: bigint;
  readonly head: string;
}

/**
 * Reads what {@link writeArchive} has written back from the file, and compares it with what was meant and with the
 * digest chain of the log; of an append that the cut goes through, the other events come from `before` and the table.
 * @throws ArchiveDamagedError when anything differs: the file, or the log itself.
 */
export async function checkArchive(
  pool: Pool,
  range: PartRange,
  path: string,
  written: WrittenArchive,
  before: ArchivedLog,
  watch: ArchiveWatch,
): Promise<CheckedArchive> {
  const chain = new ChainCheck(pool, range, before);
  const file = createHash('sha256');
  const content = createHash('sha256');
  const blocks: ArchiveBlock[] = [];
  const entries = new EntryList();
  const recorded = { first: 0, last: 0 };
  let offset = 0;
  const handle = await open(path, 'r');
  try {
    for (const length of written.blocks) {
      watch.signal.throwIfAborted();
      const packed = Buffer.alloc(length);
      await handle.read(packed, 0, length, offset);
      file.update(packed);
      const text = await unzip(packed);
      content.update(text);
      const lines = text.toString('utf8').split('\n').filter(isEventLine);
      const seen = new Set<string>();
      for (const line of lines) {
        await chain.add(positionOf(line), hash('sha256', canonicalIn(line), 'buffer'));
        const text = entityTextIn(line);
        if (seen.has(text)) continue;
        seen.add(text);
        const { tenant, subject } = JSON.parse(`{${text.slice(1)}}`) as { tenant: string; subject: string };
        entries.add(indexEntry(entityHash(tenant, subject), blocks.length));
      }
      const [first, last] = [lines[0], lines.at(-1)];
      if (first === undefined || last === undefined) throw differs(range, 'a part of it holds no events');
      const from = eventIn(first);
      if (blocks.length === 0) recorded.first = from.recordedMs;
      recorded.last = eventIn(last).recordedMs;
      const { position, recordedMs } = from;
      blocks.push({ offset, length, events: lines.length, position, recordedMs });
      offset += length;
      watch.progress(chain.events);
    }
    if ((await handle.stat()).size !== offset) throw differs(range, 'it does not end where it should');
  } finally {
    await handle.close();
  }
  if (content.digest('hex') !== written.content) throw differs(range, 'it does not hold what was written');
  const { headPosition, head } = await chain.finish();
  return {
    ...{ bytes: offset, sha256: file.digest('hex'), index: encodeIndex(blocks, entries.all()) },
    ...{ events: chain.events, firstRecordedMs: recorded.first, lastRecordedMs: recorded.last },
    ...{ headPosition, head },
  };
}

function differs(range: PartRange, why: string): ArchiveDamagedError {
  const where = `Positions ${range.first} to ${range.end - 1n} of the log were not archived`;
  return new ArchiveDamagedError(`${where}: ${why}.`, {
    hint: 'Nothing was taken out of the database. `quipu verify` tells more about the log itself.',
  });
}

/** The digest chain over a range, against the stored digests. */
class ChainCheck {
  events = 0;
  private batch: ChainBatch | null = null;
  private sum = createHash('sha256');
  private counted = 0;
  private last = 0n;
  private headPosition = 0n;
  private head = '00'.repeat(32);
  private readonly batches: AsyncGenerator<ChainBatch, undefined>;

  constructor(
    private readonly pool: Pool,
    private readonly range: PartRange,
    private readonly before: ArchivedLog,
  ) {
    this.batches = chainBatches(pool, range);
    const part = before.parts.at(-1);
    if (part !== undefined) [this.headPosition, this.head] = [part.headPosition, part.head];
  }

  async add(position: bigint, hash: Buffer): Promise<void> {
    const { first, end } = this.range;
    if (position <= this.last || position < first || position >= end) {
      throw differs(this.range, `position ${position} is not in its place`);
    }
    this.last = position;
    this.events += 1;
    if (this.batch === null) await this.open(position);
    this.take(position, hash);
    if (position === this.batch!.lastPosition) this.close();
  }

  /** @returns the last append that ends in the range or before. */
  async finish(): Promise<{ headPosition: bigint; head: string }> {
    if (this.batch !== null) {
      const { lastPosition } = this.batch;
      if (lastPosition < this.range.end)
        throw differs(this.range, `events before ${lastPosition} are missing`);
      const { headPosition, head } = this;
      for (const event of await this.readTable(this.range.end - 1n, lastPosition)) {
        this.take(event.position, bodyHash(event));
      }
      this.close();
      return { headPosition, head };
    }
    const next = await this.batches.next();
    if (!next.done)
      throw differs(this.range, `the append that ends at ${next.value.lastPosition} is missing`);
    return { headPosition: this.headPosition, head: this.head };
  }

  private async open(position: bigint): Promise<void> {
    const next = await this.batches.next();
    const batch = next.done ? null : next.value;
    if (batch === null || position < batch.firstPosition || position > batch.lastPosition) {
      throw differs(this.range, `no append of the digest chain holds position ${position}`);
    }
    // An append that the cut goes through follows from the last one that ended before it, as the next one does.
    if (batch.previous.toString('hex') !== this.head) {
      throw differs(this.range, `the digest chain is broken before position ${batch.firstPosition}`);
    }
    this.batch = batch;
    this.sum = createHash('sha256').update(batch.previous);
    this.counted = 0;
    if (batch.firstPosition >= this.range.first) return;
    const earlier = await this.before.readRange(batch.firstPosition, this.range.first - 1n);
    for (const event of earlier) this.take(event.position, bodyHash(event));
  }

  private take(position: bigint, hash: Buffer): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(position);
    this.sum.update(bytes).update(hash);
    this.counted += 1;
  }

  private close(): void {
    const { firstPosition, lastPosition, events, digest } = this.batch!;
    if (this.counted !== events || !this.sum.digest().equals(digest)) {
      throw differs(
        this.range,
        `the append at ${firstPosition} to ${lastPosition} does not hash to its digest`,
      );
    }
    this.batch = null;
    [this.headPosition, this.head] = [lastPosition, digest.toString('hex')];
  }

  private async readTable(after: bigint, upTo: bigint): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    while (after < upTo) {
      const page = await readAfter(this.pool, after, { maxEvents: 2_000, maxBytes: 8 << 20 });
      if (page.length === 0) break;
      events.push(...page.filter(({ position }) => position <= upTo));
      after = page.at(-1)!.position;
    }
    return events;
  }
}

/** Entries of an index, as many as there are; eight bytes each. */
class EntryList {
  private entries = new BigUint64Array(1 << 12);
  private length = 0;

  add(entry: bigint): void {
    if (this.length === this.entries.length) {
      const larger = new BigUint64Array(this.length * 2);
      larger.set(this.entries);
      this.entries = larger;
    }
    this.entries[this.length++] = entry;
  }

  all(): BigUint64Array {
    return this.entries.subarray(0, this.length);
  }
}
