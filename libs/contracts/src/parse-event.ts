import { type z } from 'zod';
import { MAX_TENANT_LENGTH, isTenantId } from './brand.js';
import { type Definitions, definitions, type EventType } from './catalogue/catalogue.js';
import { type Data, type EventDefinition, schemaOf } from './catalogue/definition.js';
import { type LogEvent, toCloudEvent } from './envelope.js';
import { checkJson, textFault, tidyJson } from './json-walk.js';
import * as limit from './limits.js';
import { echo, printPath, type Refusal, refuse } from './refusal.js';
import { formatTimestamp, parseTimestamp } from './timestamp.js';

/** Against what an event is checked. */
export interface ParseLimits {
  /** The receiver's clock, ms. */
  nowMs: number;
  /** Age above which an event is refused, ms. */
  maxAgeMs: number;
  /** Whether events of any age are welcome. */
  backfill: boolean;
  /** Bytes in which the event arrived, where the caller knows; they must not exceed the limit either. */
  rawBytes?: number;
}

/** An event for the log, or why it is none. */
export type ParseResult = { ok: true; event: LogEvent } | Refusal;

/** Members of a parsed JSON object, none of them trusted. */
type Raw = Readonly<Record<string, unknown>>;

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;

/** What is wrong with a text attribute, or null. */
function attributeFault(attribute: string, value: unknown, max: number): Refusal | null {
  if (isAbsent(value)) return refuse('malformed', `${attribute}: required, and absent`);
  if (typeof value !== 'string')
    return refuse('malformed', `${attribute}: expected a string, got ${echo(value)}`);
  if (value === '') return refuse('malformed', `${attribute}: must not be empty`);
  if (value.length > max) {
    return refuse('malformed', `${attribute}: has ${value.length} characters, at most ${max} are allowed`);
  }
  const fault = textFault(value);
  return fault === null ? null : refuse('bad-text', `${attribute}: ${fault}`);
}

function contentTypeFault(raw: Raw): Refusal | null {
  if (!isAbsent(raw['data_base64']))
    return refuse('malformed', 'data_base64: send the data as JSON in `data`');
  const type = raw['datacontenttype'];
  if (isAbsent(type) || type === 'application/json') return null;
  if (typeof type === 'string' && /^application\/json[ \t]*(;|$)/i.test(type)) return null;
  return refuse('malformed', `datacontenttype: expected application/json, got ${echo(type)}`);
}

function tenantFault(tenant: unknown): Refusal {
  if (isAbsent(tenant)) return refuse('malformed', 'tenant: required, and absent');
  return refuse(
    'malformed',
    `tenant: expected a letter or digit, then letters, digits or ._:@+-, at most ${MAX_TENANT_LENGTH} in all, got ${echo(tenant)}`,
  );
}

function subjectFault(subject: unknown, prefix: string): Refusal | null {
  const fault = attributeFault('subject', subject, limit.MAX_ATTRIBUTE_LENGTH);
  if (fault !== null) return fault;
  const text = subject as string;
  if (text.startsWith(prefix) && text.length > prefix.length) return null;
  return refuse('malformed', `subject: expected ${prefix} and an id, got ${echo(text)}`);
}

/** The event's time in ms, or the refusal. */
function readTime(raw: unknown, limits: ParseLimits): number | Refusal {
  if (isAbsent(raw)) return refuse('malformed', 'time: required, and absent');
  const time = typeof raw === 'string' ? parseTimestamp(raw) : null;
  if (time === null) {
    return refuse(
      'malformed',
      `time: expected an RFC 3339 timestamp with offset, years 0001 to 9999, got ${echo(raw)}`,
    );
  }
  if (time > limits.nowMs + limit.MAX_AHEAD_MS) {
    return refuse(
      'too-far-ahead',
      `time: ${formatTimestamp(time)} is ${time - limits.nowMs} ms ahead of the clock`,
    );
  }
  if (!limits.backfill && time < limits.nowMs - limits.maxAgeMs) {
    const days = Math.floor(limits.maxAgeMs / 86_400_000);
    return refuse(
      'too-old',
      `time: ${formatTimestamp(time)} is older than ${days} days; mark old events as import`,
    );
  }
  return time;
}

function versionFault(definition: EventDefinition, type: string, version: unknown): Refusal | null {
  if (!Number.isInteger(version))
    return refuse('malformed', `dataversion: expected an integer, got ${echo(version)}`);
  if (schemaOf(definition, version as number) !== undefined) return null;
  const known = definition.version === 1 ? 'version 1' : `versions 1 to ${definition.version}`;
  return refuse('unsupported-version', `dataversion: ${type} has ${known}, got ${echo(version)}`);
}

/** Says what the schema found: the first issue with the value, and which other fields are wrong. */
function schemaFault(data: Data, error: z.ZodError): Refusal {
  const [first, ...others] = error.issues;
  if (first === undefined) return refuse('invalid-data', 'data: invalid');
  let value: unknown = data;
  for (const key of first.path)
    value = isAbsent(value) ? undefined : (value as Record<PropertyKey, unknown>)[key];
  const got = value === undefined ? '' : `, got ${echo(value)}`;
  const also = [...new Set(others.map((issue) => issue.path[0]).filter((key) => key !== first.path[0]))];
  const rest = also.length === 0 ? '' : `; also wrong: ${also.map(String).join(', ')}`;
  return refuse('invalid-data', `${printPath(['data', ...first.path])}: ${first.message}${got}${rest}`);
}

/** Checks data against the limits and its schema; the result shares what did not have to be changed. */
function readData(raw: unknown, schema: z.ZodType<Data>): { ok: true; data: Data; bytes: number } | Refusal {
  const received = isAbsent(raw) ? {} : raw;
  if (typeof received !== 'object' || Array.isArray(received)) {
    return refuse('invalid-data', `data: expected an object, got ${echo(received)}`);
  }
  const check = checkJson(received, 'data', 2);
  if (!check.ok) return refuse(check.reason, check.detail);
  const tidy = (check.untidy ? tidyJson(received) : received) as Data;
  const parsed = schema.safeParse(tidy);
  return parsed.success
    ? { ok: true, data: parsed.data, bytes: check.bytes }
    : schemaFault(tidy, parsed.error);
}

/** Room for names, punctuation, time and version of the envelope, and for timestamps in data that grew. */
const ENVELOPE_ROOM = 1_024;
/** Most UTF-8 bytes that one UTF-16 code unit takes in JSON: an escaped control character. */
const MOST_BYTES_PER_UNIT = 6;

/** The refusal of an event that is over the limit in the form it is kept in; measured exactly only when it could be. */
function sizeFault(event: LogEvent, dataBytes: number): Refusal | null {
  const units =
    event.id.length +
    event.source.length +
    event.subject.length +
    event.tenant.length +
    (event.sequence?.length ?? 0);
  if (dataBytes + units * MOST_BYTES_PER_UNIT + ENVELOPE_ROOM <= limit.MAX_EVENT_BYTES) return null;
  const check = checkJson(toCloudEvent(event), 'event', 1);
  return check.ok ? null : refuse(check.reason, check.detail);
}

/** {@link parseEvent} over any set of types. */
export function parseEventWith(known: Definitions, raw: unknown, limits: ParseLimits): ParseResult {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return refuse('malformed', `event: expected an object, got ${echo(raw)}`);
  }
  const members = raw as Raw;
  const result = readEvent(known, members, limits);
  if (!result.ok && isTenantId(members['tenant'])) result.tenant = members['tenant'];
  return result;
}

function readEvent(known: Definitions, raw: Raw, limits: ParseLimits): ParseResult {
  if (limits.rawBytes !== undefined && limits.rawBytes > limit.MAX_EVENT_BYTES) {
    return refuse(
      'too-large',
      `event: has ${limits.rawBytes} bytes, at most ${limit.MAX_EVENT_BYTES} are allowed`,
    );
  }
  if (raw['specversion'] !== '1.0') {
    return refuse('malformed', `specversion: expected "1.0", got ${echo(raw['specversion'])}`);
  }
  const type = raw['type'];
  const typeFault = attributeFault('type', type, limit.MAX_ATTRIBUTE_LENGTH);
  if (typeFault !== null) return typeFault;
  const definition = known.get(type as string);
  if (definition === undefined) return refuse('unknown-type', `type: the catalogue has no ${echo(type)}`);

  const tenant = raw['tenant'] ?? definition.defaultTenant;
  if (!isTenantId(tenant)) return tenantFault(tenant);
  const { id, source, subject, sequence } = raw;
  const dataversion = raw['dataversion'] ?? 1;
  const fault =
    attributeFault('source', source, limit.MAX_ATTRIBUTE_LENGTH) ??
    attributeFault('id', id, limit.MAX_ATTRIBUTE_LENGTH) ??
    subjectFault(subject, definition.subjectPrefix) ??
    (isAbsent(sequence) ? null : attributeFault('sequence', sequence, limit.MAX_SEQUENCE_LENGTH)) ??
    contentTypeFault(raw) ??
    versionFault(definition, type as string, dataversion);
  if (fault !== null) return fault;
  const time = readTime(raw['time'], limits);
  if (typeof time !== 'number') return time;
  const data = readData(raw['data'], schemaOf(definition, dataversion as number)!);
  if (!data.ok) return data;

  const event: LogEvent = {
    tenant,
    source: source as string,
    id: id as string,
    type: type as EventType,
    subject: subject as string,
    time,
    dataversion: dataversion as number,
    ...(isAbsent(sequence) ? {} : { sequence: sequence as string }),
    data: data.data,
  };
  return sizeFault(event, data.bytes) ?? { ok: true, event };
}

/**
 * Checks one event in structured CloudEvents 1.0 JSON and brings it into the form that the log keeps.
 *
 * Attributes that Quipu does not know are dropped unread: they may change from hop to hop, while the event's body
 * must not. Unknown fields of the data are kept. JSON null stands for an absent attribute. The result shares nested
 * parts of its argument, which is never changed.
 *
 * @param raw parsed JSON, of whatever shape.
 * @param limits the clock and age limits of the receiver.
 * @returns the event, or the reason it is refused, in words that name the place and repeat at most 200 characters
 * of the input. Never throws.
 */
export function parseEvent(raw: unknown, limits: ParseLimits): ParseResult {
  return parseEventWith(definitions, raw, limits);
}
