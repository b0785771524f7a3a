import type { StoredEvent } from '@quipu/contracts';
import type { ReadLimits } from '../reading/read-after.js';
import type { ArchiveFiles } from './archive-files.js';
import { entityHash } from './archive-index.js';
import { entityText, entityTextIn, eventIn, isEventLine, positionOf } from './archive-lines.js';
import type { ArchivedPart } from './archived-part.js';

/** An entity whose events are asked for; each once. */
export interface EntityWish {
  readonly tenant: string;
  readonly subject: string;
}

/** Entities looked up at once while blocks are read: as many events wait in memory. */
const CHUNK = 500;

/**
 * The beginning of the log that is in files, as one snapshot sees it: positions below {@link end} are here, all others
 * in the table. A partition that is archived may still be in the table for a while; what the table holds below `end`
 * must be left out by whoever reads both.
 *
 * All methods throw ArchiveUnavailableError when a file that they need cannot be read.
 */
export class ArchivedLog {
  constructor(
    readonly parts: readonly ArchivedPart[],
    private readonly files: ArchiveFiles,
  ) {}

  /** The first position that is in the table; 0 when nothing is archived. */
  get end(): bigint {
    return this.parts.at(-1)?.end ?? 0n;
  }

  /** Whether an event that may follow `position` is archived. */
  covers(position: bigint): boolean {
    return position + 1n < this.end;
  }

  /** Sees that every file is there, whole by its size, before work begins that needs all of them. */
  async probe(): Promise<void> {
    for (const part of this.parts) await this.files.probe(part);
  }

  /** The archived events after a position, in order, at least one if there is any. */
  async readAfter(position: bigint, limits: ReadLimits): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    let room = limits.maxBytes;
    for await (const line of this.linesAfter(position)) {
      events.push(eventIn(line));
      room -= line.length;
      if (events.length >= limits.maxEvents || room <= 0) break;
    }
    return events;
  }

  /** The archived events in `[first, last]`, in order. */
  async readRange(first: bigint, last: bigint): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    for await (const line of this.linesAfter(first - 1n)) {
      if (positionOf(line) > last) break;
      events.push(eventIn(line));
    }
    return events;
  }

  /** The event at a position, null if there is none. */
  async at(position: bigint): Promise<StoredEvent | null> {
    return (await this.readRange(position, position))[0] ?? null;
  }

  /** The last archived event up to a position, null if there is none. */
  async lastUpTo(position: bigint): Promise<StoredEvent | null> {
    for (const part of this.parts.toReversed()) {
      if (part.first > position) continue;
      const index = await this.files.index(part);
      for (let block = index.blockAt(position); block >= 0; block -= 1) {
        const lines = await this.files.lines(part, block);
        const line = lines.findLast((one) => isEventLine(one) && positionOf(one) <= position);
        if (line !== undefined) return eventIn(line);
      }
    }
    return null;
  }

  /** The last archived event that was recorded at or before a time (ms), null if there is none. */
  async lastRecordedBy(timeMs: number): Promise<StoredEvent | null> {
    const part = this.parts.findLast(({ firstRecordedMs }) => firstRecordedMs <= timeMs);
    if (part === undefined) return null;
    const index = await this.files.index(part);
    const lines = await this.files.lines(part, index.blockRecordedAt(timeMs));
    const line = lines.findLast((one) => isEventLine(one) && eventIn(one).recordedMs <= timeMs);
    return line === undefined ? null : eventIn(line);
  }

  /** Every archived event about each entity, up to a position, in the order of the log. */
  async readEntities(wishes: readonly EntityWish[], upTo?: bigint): Promise<StoredEvent[][]> {
    const events: StoredEvent[][] = wishes.map(() => []);
    for (let from = 0; from < wishes.length && this.parts.length > 0; from += CHUNK) {
      const chunk = wishes.slice(from, from + CHUNK);
      for (const part of this.parts) {
        if (upTo !== undefined && part.first > upTo) break;
        await this.readPart(part, chunk, upTo, (place, event) => events[from + place]!.push(event));
      }
    }
    return events;
  }

  private async readPart(
    part: ArchivedPart,
    wishes: readonly EntityWish[],
    upTo: bigint | undefined,
    take: (place: number, event: StoredEvent) => void,
  ): Promise<void> {
    const hashes = wishes.map(({ tenant, subject }) => entityHash(tenant, subject));
    const byBlock = new Map<number, number[]>();
    for (const [place, blocks] of (await this.files.blocksOf(part, hashes)).entries()) {
      for (const block of blocks) byBlock.set(block, [...(byBlock.get(block) ?? []), place]);
    }
    for (const block of [...byBlock.keys()].sort((a, b) => a - b)) {
      const sought = new Map(
        byBlock
          .get(block)!
          .map((place) => [entityText(wishes[place]!.tenant, wishes[place]!.subject), place]),
      );
      for (const line of await this.files.lines(part, block)) {
        if (!isEventLine(line)) continue;
        const place = sought.get(entityTextIn(line));
        if (place !== undefined && (upTo === undefined || positionOf(line) <= upTo))
          take(place, eventIn(line));
      }
    }
  }

  /** The lines of the archived events after a position. */
  private async *linesAfter(position: bigint): AsyncGenerator<string> {
    for (const [place, part] of this.parts.entries()) {
      if (part.end <= position + 1n) continue;
      const index = await this.files.index(part);
      const { blocks } = index;
      for (let block = index.blockAt(position); block < blocks.length; block += 1) {
        if (block + 1 < blocks.length) this.files.prepare(part, block + 1);
        else if (place + 1 < this.parts.length) this.files.prepare(this.parts[place + 1]!, 0);
        for (const line of await this.files.lines(part, block)) {
          if (isEventLine(line) && positionOf(line) > position) yield line;
        }
      }
    }
  }
}
