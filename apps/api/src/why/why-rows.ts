import {
  type ExplainedItem,
  type Measure,
  measureKind,
  type WhyAnswer,
  type WhyEvent,
} from '@quipu/read-models';
import { secondsText } from '../answers/seconds-text.js';

/** How positions are told to this caller: plainly to superadmins, as tokens to others. */
export type WritePosition = (position: bigint) => { position: string } | { token: string };

/** The unit of a measure's amounts. */
export function unitOf(measure: Measure): 'node-seconds' | 'job-seconds' | 'nodes' | 'jobs' {
  if (measure === 'node_seconds') return 'node-seconds';
  if (measure === 'nodes') return 'nodes';
  return measureKind(measure).kind === 'integral' ? 'job-seconds' : 'jobs';
}

/** An amount of a measure as a decimal number. */
export function amountText(measure: Measure, amount: bigint): string {
  return measureKind(measure).kind === 'integral' ? secondsText(amount) : String(amount);
}

/** Columns of the CSV: an event needs a place of its own, so events are only in the JSON. */
export const WHY_COLUMNS = [
  'entity',
  'tenant',
  'user',
  'queue',
  'cluster',
  'template',
  'provider',
  'hardware',
  'image',
  'life',
  'start',
  'end',
  'from',
  'to',
  'height',
  'estimated',
  'amount',
] as const;

/** One item as it is written. */
export function writeItem(answer: WhyAnswer, item: ExplainedItem, position: WritePosition) {
  const { dims, key, life, height, estimated } = item;
  const { tenant, services, ...others } = dims;
  return {
    ...{ entity: key.id, kind: key.kind, tenant, ...others },
    ...(services.length > 0 ? { services } : {}),
    ...{ life, start: iso(item.start), end: iso(item.end), from: iso(item.from), to: iso(item.to) },
    ...{ height, estimated },
    amount: amountText(answer.window.measure, item.amount),
    share: answer.total === 0n ? 0 : Number((item.amount * 1_000_000n) / answer.total) / 1_000_000,
    ...(item.events === null ? {} : { events: item.events.map((event) => writeEvent(event, position)) }),
  };
}

/** One event as it is written; the whole event is at `GET /api/events/<source>/<id>`. */
export function writeEvent({ position, recordedMs, time, type, source, id }: WhyEvent, write: WritePosition) {
  return { type, time: iso(time), recorded: iso(recordedMs), source, id, ...write(position) };
}

/** An instant as ISO 8601; null stays null. */
export function iso<T extends number | null>(ms: T): T extends null ? string | null : string {
  return (ms === null ? null : new Date(ms).toISOString()) as T extends null ? string | null : string;
}
