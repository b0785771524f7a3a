import { type LogEvent, parseEvent, parseQueuePayload } from '@quipu/contracts';
import type { AppendOutcome, NewDeadLetter } from '@quipu/event-log';
import { errorMessage } from '@quipu/platform';

/** Data of a job that is no JSON at all: what could be read of it, as text. */
export class UnreadableData {
  constructor(readonly text: string) {}
}

/** Age limits that hold for every job. */
export interface AgeLimits {
  nowMs: number;
  maxAgeMs: number;
}

/** An event, and where it came from should it have to become a dead letter later. */
export interface IncomingEvent {
  event: LogEvent;
  jobId: string;
  /** The parsed JSON it was made from. */
  raw: unknown;
  /** Its index among the events of the job. */
  place: number;
  /** What became of it; `refused` until it is appended. */
  outcome: AppendOutcome;
}

/** What a job brought: events for the log, and dead letters for what is none. */
export interface JobContents {
  events: IncomingEvent[];
  letters: NewDeadLetter[];
  /** How many events the job carried, good and bad. */
  size: number;
}

/** What became of each event of a job, in its order. */
export function outcomesOf({ events, size }: JobContents): AppendOutcome[] {
  const outcomes = new Array<AppendOutcome>(size).fill('refused');
  for (const { place, outcome } of events) outcomes[place] = outcome;
  return outcomes;
}

/** The bytes of a piece of parsed JSON, however deeply nested. */
export function bytesOf(raw: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(raw) ?? 'null');
  } catch (error) {
    // JSON.parse takes any depth, JSON.stringify calls itself for each level: without this a job that holds
    // such an event would fail, be swept back and fail again for ever, and its good events with it.
    if (!(error instanceof RangeError)) throw error;
    return Buffer.from(deepJson(raw));
  }
}

/** Writes parsed JSON without a call per level. */
function deepJson(raw: unknown): string {
  const written: string[] = [];
  const left: (string | { readonly value: unknown })[] = [{ value: raw }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next === 'string') {
      written.push(next);
      continue;
    }
    const { value } = next;
    if (typeof value !== 'object' || value === null) {
      written.push(JSON.stringify(value) ?? 'null');
      continue;
    }
    const list = Array.isArray(value);
    const members = Object.entries(value).map(([key, member], i) => {
      const comma = i === 0 ? '' : ',';
      return { before: list ? comma : `${comma}${JSON.stringify(key)}:`, member: member as unknown };
    });
    written.push(list ? '[' : '{');
    left.push(list ? ']' : '}');
    for (const { before, member } of members.reverse()) left.push({ value: member }, before);
  }
  return written.join('');
}

function readEvent(raw: unknown, limits: AgeLimits & { backfill: boolean }): ReturnType<typeof parseEvent> {
  try {
    return parseEvent(raw, limits);
  } catch (error) {
    // A defect of the parser must cost one event, kept with its bytes, and not hold up the queue for ever.
    return { ok: false, reason: 'malformed', detail: `the parser failed: ${errorMessage(error)}` };
  }
}

/** Parses a job's data. Whatever is wrong with one event never touches the others. Never throws. */
export function readJob(jobId: string, data: unknown, limits: AgeLimits): JobContents {
  if (data instanceof UnreadableData) {
    const letter = {
      raw: Buffer.from(data.text),
      reason: 'malformed',
      detail: 'job data: no JSON',
      jobId,
    } as const;
    return { events: [], letters: [letter], size: 0 };
  }
  const payload = parseQueuePayload(data);
  if ('error' in payload) {
    return {
      events: [],
      letters: [{ raw: bytesOf(data), reason: 'malformed', detail: payload.error, jobId }],
      size: 0,
    };
  }
  const contents: JobContents = { events: [], letters: [], size: payload.events.length };
  for (const [place, raw] of payload.events.entries()) {
    const parsed = readEvent(raw, { ...limits, backfill: payload.backfill });
    if (parsed.ok) {
      contents.events.push({ event: parsed.event, jobId, raw, place, outcome: 'refused' });
      continue;
    }
    const { reason, detail, tenant } = parsed;
    contents.letters.push({
      raw: bytesOf(raw),
      reason,
      detail,
      jobId,
      ...(tenant === undefined ? {} : { tenant }),
    });
  }
  return contents;
}
