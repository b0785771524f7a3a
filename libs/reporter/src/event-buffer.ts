import type { EncodedEvent } from './event.js';

/** What was lost of one tenant's events. */
export interface Lost {
  events: number;
  /** When the first and the last of them occurred, ms since the epoch. */
  from: number;
  until: number;
}

/** How much a buffer holds. */
export interface BufferLimits {
  readonly maxEvents: number;
  /** UTF-16 code units of JSON. */
  readonly maxCharacters: number;
}

/** Share of the buffer that is kept for events that numbers depend on. */
const RESERVED = 0.1;
/** Types that may be lost without any count or interval becoming wrong. */
const EXPENDABLE = new Set(['job.progressed', 'worker.heartbeat']);

/** Events on their way to the queue, in order, as many as there is room for. What finds no room is counted. */
export class EventBuffer {
  private events: string[] = [];
  private head = 0;
  private characters = 0;
  private lost = new Map<string, Lost>();

  constructor(private readonly limits: BufferLimits) {}

  get size(): number {
    return this.events.length - this.head;
  }

  /** Takes an event, or counts it as lost: then false. */
  push(event: EncodedEvent): boolean {
    const share = EXPENDABLE.has(event.type) ? 1 - RESERVED : 1;
    const { maxEvents, maxCharacters } = this.limits;
    if (this.size >= maxEvents * share || this.characters + event.json.length > maxCharacters * share) {
      this.count(event);
      return false;
    }
    this.force(event.json);
    return true;
  }

  /** Takes an event whether there is room or not. */
  force(json: string): void {
    this.events.push(json);
    this.characters += json.length;
  }

  /** The JSON of the first events: at most so many, and of so many characters unless one alone has more. */
  peek(maxEvents: number, maxCharacters: number): string[] {
    const batch: string[] = [];
    let characters = 0;
    const end = Math.min(this.events.length, this.head + maxEvents);
    for (let i = this.head; i < end; i += 1) {
      const json = this.events[i]!;
      characters += json.length;
      if (characters > maxCharacters && i > this.head) break;
      batch.push(json);
    }
    return batch;
  }

  /** Forgets the first `count` events. */
  shift(count: number): void {
    for (let i = 0; i < count; i += 1) this.characters -= this.events[this.head + i]!.length;
    this.head += count;
    // Moving what remains each time would be quadratic while a long buffer drains.
    if (this.head * 2 < this.events.length) return;
    this.events = this.events.slice(this.head);
    this.head = 0;
  }

  /** What was lost since the last call, by tenant. */
  takeLost(): Map<string, Lost> {
    const { lost } = this;
    if (lost.size > 0) this.lost = new Map();
    return lost;
  }

  private count({ tenant, time }: EncodedEvent): void {
    const known = this.lost.get(tenant);
    if (known === undefined) {
      this.lost.set(tenant, { events: 1, from: time, until: time });
      return;
    }
    known.events += 1;
    known.from = Math.min(known.from, time);
    known.until = Math.max(known.until, time);
  }
}
