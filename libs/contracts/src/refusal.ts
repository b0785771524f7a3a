import { MAX_ECHO_LENGTH } from './limits.js';

/** Why an event does not enter the log, with what each reason means. The one list; docs/events.md prints it. */
export const REFUSALS = {
  malformed:
    'No CloudEvent: not an object, an attribute missing or of the wrong type or form, or an unreadable job.',
  'unknown-type': 'The catalogue has no such event type.',
  'unsupported-version': 'The type exists, but not in this data version.',
  'too-large': 'The event is over 64 KiB.',
  'too-deep': 'Objects and arrays are nested over 16 levels.',
  'bad-text': 'A string or key holds a NUL character or a lone surrogate, or a key is `__proto__`.',
  'bad-number': 'A number lies beyond ±(2^53 − 1), where neighbouring integers can no longer be told apart.',
  'too-far-ahead': 'The time lies more than 5 minutes ahead of the receiving clock.',
  'too-old': 'The time is older than the age limit, and the event is not marked as backfill.',
  'invalid-data': 'A known field of the data has the wrong type or lies out of its range.',
  'id-conflict': 'The same tenant, source and id are in the log already, with another body.',
  'unknown-tenant': 'The tenant does not exist, and tenants do not come into being by their events.',
  'refused-by-log': 'The database refused to store the event.',
} as const satisfies Record<string, string>;

/** Name of a reason in {@link REFUSALS}. */
export type RefusalReason = keyof typeof REFUSALS;

/** A refused event: the reason, what exactly is wrong and where, and its tenant when it names a well-formed one. */
export interface Refusal {
  ok: false;
  reason: RefusalReason;
  detail: string;
  tenant?: string;
}

const MAX_ECHOED_VALUE = 80;
const MAX_ECHOED_PATH = MAX_ECHO_LENGTH - MAX_ECHOED_VALUE;

/** The start of a text; never half a surrogate pair, which no database would store. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const end = /[\ud800-\udbff]/.test(text.charAt(max - 2)) ? max - 2 : max - 1;
  return `${text.slice(0, end)}…`;
}

/**
 * A piece of input as it may stand in a detail: JSON, at most 80 characters of it. Escaped, because details are
 * stored and printed, and a raw NUL in one would make the dead letter as unstorable as the event was.
 */
export function echo(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, MAX_ECHOED_VALUE));
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a value of type ${typeof value}`;
}

/** A path of keys and indexes below the event, such as `data.labels["a b"]`, at most 120 characters. */
export function printPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else if (typeof key === 'string' && /^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
      text += text === '' ? key : `.${key}`;
    else text += `[${JSON.stringify(cut(String(key), MAX_ECHOED_PATH))}]`;
    if (text.length > MAX_ECHOED_PATH) break;
  }
  return cut(text, MAX_ECHOED_PATH);
}

/** Makes a refusal. `tenant` is passed on only when known. */
export function refuse(reason: RefusalReason, detail: string, tenant?: string): Refusal {
  return tenant === undefined ? { ok: false, reason, detail } : { ok: false, reason, detail, tenant };
}
