import { type LogEvent, MAX_AHEAD_MS, MIN_TIME_MS } from '@quipu/contracts';
import { readLines } from './lines.js';
import { type EventSource, type SourceBatch, type SourceStats } from './source.js';
import { shiftHeader, SwfMapper, type TenantBy } from './swf-events.js';
import { NO_HEADER, type SwfHeader, SwfHeaderReader } from './swf-header.js';
import { parseSwfLine, type SwfJob } from './swf-line.js';
import { Tally } from './tally.js';

/** What the first pass over a workload finds (only needed to shift it). */
export interface SwfSurvey {
  readonly header: SwfHeader;
  /** Latest submit time, in seconds after the header's UnixStartTime; undefined without jobs. */
  readonly latestSubmit?: number;
}

/** How to read a workload. */
export interface SwfOptions {
  readonly tenantBy: TenantBy;
  /** Time of the reading (ms): steps more than five minutes ahead of it cannot have happened. */
  readonly nowMs: number;
  /** Leave out steps after this instant (ms). */
  readonly untilMs?: number;
  /** Shift all times so that the latest submit falls here (ms). */
  readonly ending?: { readonly atMs: number; readonly survey: SwfSurvey };
}

/** An event of a workload as JSON, roughly. */
const SWF_EVENT_BYTES = 250;

interface Walker {
  onJob(job: SwfJob, line: number): void;
  /** Called once, before the first job. */
  onHeader(header: SwfHeader): void;
  onSkip(reason: string, line: number): void;
}

/** Reads a workload once without keeping anything of it, for its header and its latest submit. */
export async function surveySwf(chunks: AsyncIterable<Buffer>): Promise<SwfSurvey> {
  let header = NO_HEADER;
  let latest = -Infinity;
  const walk = walkSwf(chunks, {
    onHeader: (found) => (header = found),
    onJob: (job) => (latest = Math.max(latest, job.submit)),
    onSkip: () => {},
  });
  for await (const _ of walk);
  return latest === -Infinity ? { header } : { header, latestSubmit: latest };
}

/** Turns a workload into events, a piece of the file at a time. */
export function swfSource(chunks: AsyncIterable<Buffer>, options: SwfOptions): EventSource {
  const stats: SourceStats = { jobs: 0, leftOut: 0, skipped: new Tally() };
  const latest = options.nowMs + MAX_AHEAD_MS;
  let mapper: SwfMapper | undefined;
  let events: LogEvent[] = [];
  const walk = walkSwf(chunks, {
    onHeader: (header) => (mapper = new SwfMapper(mappingOf(header, options))),
    onSkip: (reason, line) => stats.skipped.add(reason, line),
    onJob: (job, line) => {
      const mapped = mapper!.events(job);
      stats.jobs += 1;
      stats.leftOut += mapped.leftOut;
      for (const event of mapped.events) {
        // The log refuses such times too: told here, they can be told by line.
        if (event.time > latest) stats.skipped.add('step lies in the future', line);
        else if (event.time < MIN_TIME_MS) stats.skipped.add('step lies before the year 1', line);
        else events.push(event);
      }
    },
  });
  async function* batches(): AsyncGenerator<SourceBatch> {
    for await (const _ of walk) {
      if (events.length === 0) continue;
      const batch = { events, refused: [], bytes: events.length * SWF_EVENT_BYTES };
      events = [];
      yield batch;
    }
  }
  return {
    batches: batches(),
    stats,
    get name() {
      return mapper?.source ?? '';
    },
  };
}

function mappingOf(header: SwfHeader, options: SwfOptions): ConstructorParameters<typeof SwfMapper>[0] {
  const { ending, tenantBy } = options;
  const limits = [options.untilMs, ending?.atMs].filter((limit) => limit !== undefined);
  const shifted =
    ending?.survey.latestSubmit === undefined
      ? header
      : shiftHeader(header, ending.survey.latestSubmit, ending.atMs);
  return limits.length === 0
    ? { header: shifted, tenantBy }
    : { header: shifted, tenantBy, untilMs: Math.min(...limits) };
}

/** Walks a workload; yields after every piece of the file, so that the caller can hand on what it made of it. */
async function* walkSwf(chunks: AsyncIterable<Buffer>, walker: Walker): AsyncGenerator<void> {
  const reader = new SwfHeaderReader();
  let started = false;
  const start = (): void => {
    if (started) return;
    started = true;
    walker.onHeader(reader.header());
  };
  for await (const lines of readLines(chunks)) {
    for (const line of lines) {
      // Latin-1 maps every byte to a character of its own: the hash of a header does not depend on how
      // the name of an installation was encoded.
      const text = line.bytes.toString('latin1').slice(line.number === 1 ? markLength(line.bytes) : 0);
      const parsed = line.cut
        ? { kind: 'skip' as const, reason: 'line too long' as const }
        : parseSwfLine(text);
      if (parsed.kind === 'comment' && !started) reader.read(text);
      if (parsed.kind === 'skip') walker.onSkip(parsed.reason, line.number);
      // Only a job ends the header: a broken line among the comments must not hide the start time behind it.
      if (parsed.kind !== 'job') continue;
      start();
      walker.onJob(parsed.job, line.number);
    }
    yield;
  }
  start();
}

/** Bytes of the byte order mark that a line begins with. */
function markLength(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}
