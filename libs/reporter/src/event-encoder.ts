import {
  formatTimestamp,
  isTenantId,
  MAX_ATTRIBUTE_LENGTH,
  MAX_EVENT_BYTES,
  MAX_TIME_MS,
  MIN_TIME_MS,
  PLATFORM_TENANT,
} from '@quipu/contracts';
import { DATA_VERSIONS } from './data-versions.js';
import type { EncodedEvent, ReportedEvent } from './event.js';
import { UuidV7 } from './uuid-v7.js';

/** Most bytes that one UTF-16 code unit takes in UTF-8. */
const MOST_BYTES_PER_UNIT = 3;

/** Types whose part of the text is remembered. */
const MOST_TYPES = 200;

/** Kinds of entities that belong to the platform unless their event says otherwise. */
export const PLATFORM_KINDS = ['worker', 'worker_pool', 'instance', 'host', 'alert', 'file_store'];

/** Turns events into the text that travels, at the moment they are reported. */
export class EventEncoder {
  private readonly uuids = new UuidV7();
  private readonly sourceJson: string;
  /** What stands between id and subject of an event of each type. */
  private readonly heads = new Map<string, string>();
  private lastTenant: string | undefined;
  private stampMs = Number.NaN;
  private stamp = '';

  /**
   * @param source who reports.
   * @param tenant whose events they are where they do not say; none: they must, except events of the platform.
   */
  constructor(
    source: string,
    private readonly tenant: string | undefined,
  ) {
    this.sourceJson = JSON.stringify(source);
  }

  /**
   * @param nowMs the time of the call.
   * @throws Error that says what is wrong with the event.
   */
  encode(event: ReportedEvent, nowMs: number): EncodedEvent {
    const { type, subject, sequence } = event;
    const time = event.time ?? nowMs;
    if (typeof type !== 'string') throw new Error('an event needs a type');
    const dot = type.indexOf('.');
    if (
      typeof subject !== 'string' ||
      subject.length > MAX_ATTRIBUTE_LENGTH ||
      subject.length < dot + 2 ||
      !subject.startsWith(type.slice(0, dot)) ||
      subject[dot] !== '/'
    ) {
      throw new Error(
        `${type}: the subject must be ${type.slice(0, dot)}/ and an id, at most 512 characters`,
      );
    }
    if (!(time >= MIN_TIME_MS && time <= MAX_TIME_MS)) throw new Error(`${type}: ${time} is no time`);
    const tenant = event.tenant ?? this.tenantOf(type.slice(0, dot));
    if (tenant === undefined || tenant !== this.lastTenant) {
      if (!isTenantId(tenant)) throw new Error(`${type}: ${String(tenant).slice(0, 200)} is no tenant id`);
      this.lastTenant = tenant;
    }
    const json =
      `{"specversion":"1.0","id":"${this.uuids.next(nowMs)}${this.headOf(type)}${JSON.stringify(subject)}` +
      `,"time":"${this.format(Math.floor(time))}","tenant":"${tenant}"${orderOf(type, sequence)}` +
      `,"data":${dataOf(type, event.data)}}`;
    if (json.length * MOST_BYTES_PER_UNIT > MAX_EVENT_BYTES && Buffer.byteLength(json) > MAX_EVENT_BYTES) {
      throw new Error(`${type}: the event has over ${MAX_EVENT_BYTES} bytes`);
    }
    return { json, type, tenant, time };
  }

  private headOf(type: string): string {
    let head = this.heads.get(type);
    if (head === undefined) {
      const version = DATA_VERSIONS.get(type) ?? 1;
      head = `","source":${this.sourceJson},"type":${JSON.stringify(type)},"dataversion":${version},"subject":`;
      // The types are few; what is none must not fill the memory.
      if (this.heads.size < MOST_TYPES) this.heads.set(type, head);
    }
    return head;
  }

  private tenantOf(kind: string): string | undefined {
    return PLATFORM_KINDS.includes(kind) ? PLATFORM_TENANT : this.tenant;
  }

  /** Events come many to a millisecond, and formatting a date costs as much as all the rest. */
  private format(ms: number): string {
    if (ms !== this.stampMs) {
      this.stampMs = ms;
      this.stamp = formatTimestamp(ms);
    }
    return this.stamp;
  }
}

/*
 * What JSON has no words for, JSON.stringify leaves out: in the middle of a text that would make the whole job
 * unreadable, with everybody's events in it.
 */

function orderOf(type: string, sequence: unknown): string {
  if (sequence === undefined || sequence === null) return '';
  if (typeof sequence !== 'string') throw new Error(`${type}: a sequence is a text`);
  return `,"sequence":${JSON.stringify(sequence)}`;
}

function dataOf(type: string, data: unknown): string {
  if (data === undefined || data === null) return '{}';
  const text = JSON.stringify(data) as string | undefined;
  if (text?.startsWith('{') !== true) throw new Error(`${type}: the data must be an object`);
  return text;
}
