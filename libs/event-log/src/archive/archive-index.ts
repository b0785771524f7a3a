import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ArchiveDamagedError } from './archive-errors.js';

/**
 * The index of an archive: where its gzip members ("blocks") begin, and in which of them an entity has events. Layout,
 * all big-endian: magic; number of blocks and of samples (uint32 each), number of entries (uint64), 8 spare bytes; per
 * block its place in the file (uint64), length and number of events (uint32 each), first position and the time of record
 * there (uint64 each); every 512th entry; the entries, ascending.
 *
 * An entry is 40 bits of the entity's hash and 24 of a block's number. Two entities with one hash cost a look into a
 * block that holds nothing of interest.
 */
const MAGIC = Buffer.from('QUIPUIX1');
const HEADER = 32;
const BLOCK = 32;
const ENTRY = 8;
const STEP = 512;

/** Where one gzip member is, and what begins there. */
export interface ArchiveBlock {
  readonly offset: number;
  readonly length: number;
  readonly events: number;
  /** Position of its first event. */
  readonly position: bigint;
  readonly recordedMs: number;
}

/** The number under which an entity is indexed: 40 bits. */
export function entityHash(tenant: string, subject: string): number {
  return Number.parseInt(hash('sha256', JSON.stringify([tenant, subject])).slice(0, 10), 16);
}

/** The entry of an entity in a block. */
export function indexEntry(entity: number, block: number): bigint {
  return (BigInt(entity) << 24n) | BigInt(block);
}

/** The bytes of an index. `entries` need not be sorted; each is written once. */
export function encodeIndex(blocks: readonly ArchiveBlock[], entries: BigUint64Array): Buffer {
  entries.sort();
  let kept = 0;
  for (let i = 0; i < entries.length; i += 1) {
    if (i === 0 || entries[i] !== entries[kept - 1]) entries[kept++] = entries[i]!;
  }
  const samples = Math.ceil(kept / STEP);
  const buffer = Buffer.alloc(HEADER + blocks.length * BLOCK + (samples + kept) * ENTRY);
  MAGIC.copy(buffer);
  buffer.writeUInt32BE(blocks.length, 8);
  buffer.writeUInt32BE(samples, 12);
  buffer.writeBigUInt64BE(BigInt(kept), 16);
  let at = HEADER;
  for (const block of blocks) {
    buffer.writeBigUInt64BE(BigInt(block.offset), at);
    buffer.writeUInt32BE(block.length, at + 8);
    buffer.writeUInt32BE(block.events, at + 12);
    buffer.writeBigUInt64BE(block.position, at + 16);
    buffer.writeBigInt64BE(BigInt(block.recordedMs), at + 24);
    at += BLOCK;
  }
  for (let i = 0; i < kept; i += STEP) at = buffer.writeBigUInt64BE(entries[i]!, at);
  for (let i = 0; i < kept; i += 1) at = buffer.writeBigUInt64BE(entries[i]!, at);
  return buffer;
}

/** What of an index is kept in memory: its blocks, and one entry in 512. */
export class ArchiveIndex {
  private constructor(
    readonly blocks: readonly ArchiveBlock[],
    private readonly samples: BigUint64Array,
    private readonly entries: number,
    private readonly entriesAt: number,
  ) {}

  /** @throws ArchiveDamagedError if the file is no index. */
  static async load(file: FileHandle): Promise<ArchiveIndex> {
    const header = await readAt(file, 0, HEADER);
    if (!header.subarray(0, 8).equals(MAGIC))
      throw new ArchiveDamagedError('It does not begin like an index.');
    const blockCount = header.readUInt32BE(8);
    const sampleCount = header.readUInt32BE(12);
    const body = await readAt(file, HEADER, blockCount * BLOCK + sampleCount * ENTRY);
    const blocks = Array.from({ length: blockCount }, (_, i): ArchiveBlock => {
      const at = i * BLOCK;
      return {
        offset: Number(body.readBigUInt64BE(at)),
        length: body.readUInt32BE(at + 8),
        events: body.readUInt32BE(at + 12),
        position: body.readBigUInt64BE(at + 16),
        recordedMs: Number(body.readBigInt64BE(at + 24)),
      };
    });
    const samples = new BigUint64Array(sampleCount);
    for (let i = 0; i < sampleCount; i += 1)
      samples[i] = body.readBigUInt64BE(blockCount * BLOCK + i * ENTRY);
    return new ArchiveIndex(
      blocks,
      samples,
      Number(header.readBigUInt64BE(16)),
      HEADER + blockCount * BLOCK + sampleCount * ENTRY,
    );
  }

  /** The number of the block in which reading after a position begins: the last one that begins at or before it. */
  blockAt(position: bigint): number {
    return lastNotAfter(this.blocks.length, (i) => this.blocks[i]!.position <= position);
  }

  /** The number of the last block whose first event was recorded at or before a time (ms). */
  blockRecordedAt(timeMs: number): number {
    return lastNotAfter(this.blocks.length, (i) => this.blocks[i]!.recordedMs <= timeMs);
  }

  /** The blocks that may hold events of an entity, ascending. */
  async blocksOf(file: FileHandle, entity: number): Promise<number[]> {
    const lowest = indexEntry(entity, 0);
    const highest = indexEntry(entity, 0xff_ff_ff);
    if (this.entries === 0) return [];
    const found: number[] = [];
    for (let page = lastNotAfter(this.samples.length, (i) => this.samples[i]! <= lowest); ; page += 1) {
      const count = Math.min(STEP, this.entries - page * STEP);
      if (count <= 0) return found;
      const entries = await readAt(file, this.entriesAt + page * STEP * ENTRY, count * ENTRY);
      for (let at = 0; at < entries.length; at += ENTRY) {
        const entry = entries.readBigUInt64BE(at);
        if (entry > highest) return found;
        if (entry >= lowest) found.push(Number(entry & 0xff_ff_ffn));
      }
    }
  }
}

/** The last place of which `holds` is true, given that it is true up to some place; 0 if it is of none. */
function lastNotAfter(length: number, holds: (place: number) => boolean): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return Math.max(low, 0);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw new ArchiveDamagedError('It is cut.');
  return buffer;
}
