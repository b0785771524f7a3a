import { canonicalEvent, type LogEvent, type StoredEvent } from '@quipu/contracts';
import type { ChainBatch } from '../chain/walk-chain.js';

/**
 * An archive is a copy of a part of the log in the lines of `exportLog`, gzipped. Its first line says which part:
 * `{"quipu-log":1,"archive":{first,end,previous}}`. An append that the cut goes through has its `batch` line in both
 * files, each followed by the events that are in its own part. The file is a row of gzip members (as one file, for every
 * program that reads gzip), each of which can be read without those before it.
 */
export function headerLine(first: bigint, end: bigint, previous: string): string {
  return JSON.stringify({ 'quipu-log': 1, archive: { first: String(first), end: String(end), previous } });
}

const BEGIN = '{"position":"';
const RECORDED = '","recorded":';
const EVENT = ',"event":';

/** The line of an append. */
export function batchLine(batch: ChainBatch): string {
  return JSON.stringify({
    batch: {
      first: String(batch.firstPosition),
      last: String(batch.lastPosition),
      events: batch.events,
      previous: batch.previous.toString('hex'),
      digest: batch.digest.toString('hex'),
    },
  });
}

/** The line of an event. */
export function eventLine(event: StoredEvent): string {
  return `${BEGIN}${event.position}${RECORDED}${event.recordedMs}${EVENT}${canonicalEvent(event)}}`;
}

/** Whether a line is that of an event. */
export function isEventLine(line: string): boolean {
  return line.startsWith(BEGIN);
}

/** The position in the line of an event. */
export function positionOf(line: string): bigint {
  return BigInt(line.slice(BEGIN.length, line.indexOf('"', BEGIN.length)));
}

/** The canonical event in its line: the very text whose hash is in the digest chain. */
export function canonicalIn(line: string): string {
  return line.slice(line.indexOf(EVENT) + EVENT.length, -1);
}

/**
 * The part of an event's line that names its entity, to be compared with {@link entityText}: parsing a line costs many
 * times as much. After the data there are only scalars, and a quote inside a string is escaped.
 */
export function entityTextIn(line: string): string {
  return line.slice(line.lastIndexOf(',"subject":'), line.lastIndexOf(',"time":'));
}

/** How an entity is named in the lines of its events. */
export function entityText(tenant: string, subject: string): string {
  return `,"subject":${JSON.stringify(subject)},"tenant":${JSON.stringify(tenant)}`;
}

/** The event of a line. */
export function eventIn(line: string): StoredEvent {
  const { position, recorded, event } = JSON.parse(line) as {
    position: string;
    recorded: number;
    event: Omit<LogEvent, 'time'> & { time: string };
  };
  return { ...event, time: Date.parse(event.time), position: BigInt(position), recordedMs: recorded };
}
