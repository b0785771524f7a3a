import { MAX_ECHO_LENGTH } from '@quipu/contracts';
import { errorMessage } from '@quipu/platform';
import { ProblemException } from '../answers/problem.exception.js';
import { decodeUtf8 } from './read-body.js';
import { NoArrayError, splitArray, TooManyElementsError } from './split-array.js';

/** Most events of one request. */
export const MAX_EVENTS = 5_000;
/** Most characters of one event as sent; kept, it may have 64 KiB, so this leaves room for white space. */
const MAX_EVENT_TEXT = 1 << 20;

/** The events of a body as texts, each parsed only when its turn comes. */
export interface SentEvents {
  readonly texts: readonly string[];
  /** Whether a text that is no JSON makes the whole body none. */
  readonly oneDocument: boolean;
}

/** A value, or why there is none. */
export type ParsedText =
  { readonly value: unknown } | { readonly reason: 'malformed' | 'too-large'; readonly detail: string };

/** How the events of a body are written down. */
export type BodyForm = 'one' | 'batch' | 'lines' | 'either';

const FORMS: Readonly<Record<string, BodyForm>> = {
  'application/json': 'either',
  'application/cloudevents+json': 'one',
  'application/cloudevents-batch+json': 'batch',
  'application/x-ndjson': 'lines',
  'application/ndjson': 'lines',
};

/** Names of UTF-8 and of what is a part of it. */
const CHARSETS: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii']);

/**
 * Refuses an event in binary mode, whose attributes are headers: its body is the data alone, and would be taken for an
 * event that lacks everything.
 * @throws ProblemException 415.
 */
export function refuseBinaryMode(headers: Readonly<Record<string, unknown>>): void {
  if (headers['ce-specversion'] === undefined) return;
  // By its type this body is an event with all its attributes; what the headers say beside it does not matter.
  if (/^\s*application\/cloudevents/i.test(String(headers['content-type']))) return;
  throw new ProblemException(415, 'The attributes of an event stand in its body, not in headers.', {
    hint: 'Send it in structured mode: Content-Type application/cloudevents+json.',
    headers: { accept: Object.keys(FORMS).join(', ') },
  });
}

/**
 * The form of a body by its `Content-Type`.
 * @throws ProblemException 415 for any other type, or a charset other than UTF-8.
 */
export function bodyForm(contentType: string | undefined): BodyForm {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const form = Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  if (form !== undefined && (charset === undefined || CHARSETS.has(charset))) return form;
  throw new ProblemException(415, 'Events are sent as JSON in UTF-8.', {
    hint: `Content-Type may be ${Object.keys(FORMS).join(', ')}.`,
    headers: { accept: Object.keys(FORMS).join(', ') },
  });
}

/**
 * Cuts a body into its events.
 * @throws ProblemException 400 if the body as a whole is not of its form, 413 if there are too many events.
 */
export function readEvents(body: Buffer, form: BodyForm): SentEvents {
  const text = decodeUtf8(body);
  if (form === 'lines') return { texts: lines(text), oneDocument: false };
  const isBatch = form === 'batch' || (form === 'either' && /^[ \t\r\n]*\[/.test(text));
  return { texts: isBatch ? batch(text) : [text], oneDocument: true };
}

/**
 * Parses one event's text.
 * @throws ProblemException 400 if it is no JSON and part of one document: that leaves the ends of all after it in doubt.
 */
export function parseText(text: string, { oneDocument }: SentEvents): ParsedText {
  if (text.length > MAX_EVENT_TEXT) {
    const detail = `event: has ${text.length} characters, at most ${MAX_EVENT_TEXT} are read`;
    return { reason: 'too-large', detail };
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    const detail = errorMessage(error).slice(0, MAX_ECHO_LENGTH);
    if (oneDocument) throw new ProblemException(400, `The body is no JSON: ${detail}`);
    return { reason: 'malformed', detail: `event: no JSON: ${detail}` };
  }
}

function lines(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end).trim();
    at = end + 1;
    if (line === '') continue;
    if (found.length === MAX_EVENTS) throw tooMany();
    found.push(line);
  }
  return found;
}

function batch(text: string): string[] {
  try {
    return splitArray(text, MAX_EVENTS);
  } catch (error) {
    if (error instanceof TooManyElementsError) throw tooMany();
    if (error instanceof NoArrayError)
      throw new ProblemException(400, `The body is no JSON array: ${error.message}.`);
    throw error;
  }
}

function tooMany(): ProblemException {
  return new ProblemException(413, `A request may carry ${MAX_EVENTS} events.`, {
    hint: 'Send them in several requests.',
  });
}
