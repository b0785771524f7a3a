import type { LogEvent } from './envelope.js';
import { formatTimestamp } from './timestamp.js';

// Most strings need no escape, and quoting those by hand takes half the time of JSON.stringify.
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/**
 * RFC 8785 canonical JSON: no whitespace, members sorted by the UTF-16 code units of their names, numbers and
 * strings as ECMAScript writes them. As in JSON.stringify, a member that JSON cannot hold is left out, such an
 * element is null.
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      return 'null';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined || typeof member === 'function' || typeof member === 'symbol') continue;
    text += `${text.length === 1 ? '' : ','}${quote(key)}:${canonicalJson(member)}`;
  }
  return `${text}}`;
}

/**
 * The one text of an event, the same for ever and wherever it is computed: RFC 8785 canonical JSON of
 * `{data, dataversion, id, sequence?, source, subject, tenant, time, type}`, time as `YYYY-MM-DDTHH:MM:SS.sssZ`.
 * The body hash and the digest chain are taken over it. (`specversion` is left out: it names the envelope, not the
 * event.)
 */
export function canonicalEvent(event: LogEvent): string {
  const sequence = event.sequence === undefined ? '' : `"sequence":${quote(event.sequence)},`;
  return (
    `{"data":${canonicalJson(event.data)},"dataversion":${event.dataversion},"id":${quote(event.id)},${sequence}` +
    `"source":${quote(event.source)},"subject":${quote(event.subject)},"tenant":${quote(event.tenant)},` +
    `"time":"${formatTimestamp(event.time)}","type":${quote(event.type)}}`
  );
}
