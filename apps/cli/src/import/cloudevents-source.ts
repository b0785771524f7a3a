import { parseEvent, type LogEvent } from '@quipu/contracts';
import { CommandFailedError } from '../support/exit-codes.js';
import { readJsonArray } from './json-elements.js';
import { readLines } from './lines.js';
import { type EventSource, type RefusedEvent, type SourceBatch, type SourceStats } from './source.js';
import { Tally } from './tally.js';

/** How to read a file of CloudEvents. */
export interface CloudEventsOptions {
  /** Time of the reading (ms): events may lie at most five minutes ahead of it. */
  readonly nowMs: number;
  /** Leave out events after this instant (ms). */
  readonly untilMs?: number;
}

/** A piece of a file that should be one event. */
interface Piece {
  readonly number: number;
  readonly bytes: Buffer;
  readonly cut: boolean;
}

/** Reads CloudEvents in structured JSON, one on a line or as one array. What is no event is handed on as refused. */
export function cloudEventsSource(chunks: AsyncIterable<Buffer>, options: CloudEventsOptions): EventSource {
  const stats: SourceStats = { jobs: 0, leftOut: 0, skipped: new Tally() };
  const untilMs = options.untilMs ?? Infinity;
  async function* batches(): AsyncGenerator<SourceBatch> {
    const { form, whole } = await tellForm(chunks);
    for await (const some of form === 'array' ? arrayPieces(whole) : readLines(whole)) {
      const events: LogEvent[] = [];
      const refused: RefusedEvent[] = [];
      for (const piece of some) {
        if (form === 'ndjson' && isBlank(piece.bytes)) continue;
        const result = readPiece(piece, options.nowMs);
        if ('event' in result) {
          if (result.event.time <= untilMs) events.push(result.event);
          else stats.leftOut += 1;
        } else {
          stats.skipped.add(`${result.reason}: ${result.detail}`, piece.number);
          refused.push(result);
        }
      }
      yield { events, refused, bytes: some.reduce((sum, piece) => sum + piece.bytes.length, 0) };
    }
  }
  return { batches: batches(), stats };
}

/** Looks at the first byte that is no blank; `whole` are the same chunks from the beginning. */
async function tellForm(
  chunks: AsyncIterable<Buffer>,
): Promise<{ form: 'ndjson' | 'array'; whole: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let first = '';
  while (first === '') {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
    first = head
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trimStart()
      .slice(0, 1);
  }
  async function* whole(): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  }
  return { form: first === '[' ? 'array' : 'ndjson', whole: whole() };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readPiece(piece: Piece, nowMs: number): { event: LogEvent } | RefusedEvent {
  const { bytes } = piece;
  if (piece.cut) return { raw: bytes, reason: 'too-large', detail: 'longer than an event may be' };
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { raw: bytes, reason: 'bad-text', detail: 'not UTF-8' };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { raw: bytes, reason: 'malformed', detail: 'not JSON' };
  }
  // A file of the past is backfill: how old its events are says nothing about them.
  const parsed = parseEvent(value, { nowMs, maxAgeMs: Infinity, backfill: true, rawBytes: bytes.length });
  if (parsed.ok) return { event: parsed.event };
  const { reason, detail, tenant } = parsed;
  return tenant === undefined ? { raw: bytes, reason, detail } : { raw: bytes, reason, detail, tenant };
}

async function* arrayPieces(chunks: AsyncIterable<Buffer>): AsyncGenerator<Piece[]> {
  const elements = readJsonArray(chunks);
  for (let next = await elements.next(); ; next = await elements.next()) {
    if (!next.done) {
      yield next.value;
      continue;
    }
    if (next.value === 'complete') return;
    const why = {
      'no-array': 'is no JSON array',
      'cut-off': 'ends inside its array',
      'trailing-text': 'goes on after its array',
    };
    throw new CommandFailedError(`The file ${why[next.value]}.`, {
      hint: 'What came before is in the log. Import the whole file again: nothing is counted twice.',
    });
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
