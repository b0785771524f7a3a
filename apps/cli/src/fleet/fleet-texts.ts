import { type QueueStanding, RATE_MINUTES, type WorkerRow, type WorkerStateName } from '@quipu/read-models';
import { printableText } from '../dead-letters/printable.js';
import { formatDuration } from '../support/numbers.js';
import { type Colours } from '../support/terminal.js';

/** A name as a terminal may show it, on one line: names come from events, and those from anybody. */
export function nameText(name: string): string {
  return name === '' ? '–' : printableText(name).replaceAll('\n', '\\n');
}

/** A length of time, a dash for none: `1.4 s`, `3 min 05 s`. */
export function lengthText(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 1_000 ? `${ms} ms` : formatDuration(ms < 10_000 ? ms : Math.floor(ms / 1000) * 1000);
}

/** How long ago an instant was. */
export function agoText(since: number | null, now: number): string {
  return since === null ? '–' : formatDuration(Math.floor(Math.max(0, now - since) / 1000) * 1000);
}

/** A rate per minute: whole from ten on, one digit below, a dash for none. */
export function rateText(rate: number): string {
  if (rate === 0) return '–';
  return rate >= 10 ? String(Math.round(rate)) : rate.toFixed(1);
}

/** The state of a worker, coloured by how much it asks for attention; an estimate is marked. */
export function stateText(
  { state, estimated }: { state: WorkerStateName; estimated: boolean },
  colours: Colours,
): string {
  const text = estimated ? `${state} (estimated)` : state;
  switch (state) {
    case 'busy':
      return colours.green(text);
    case 'lost':
      return colours.red(text);
    case 'idle':
      return text;
    default:
      return colours.dim(text);
  }
}

/** A verdict, coloured by how much it asks for attention. */
export function verdictText(verdict: string, colours: Colours): string {
  if (verdict.startsWith('nothing')) return colours.red(verdict);
  if (verdict.startsWith('growing') || verdict.startsWith('standing')) return colours.yellow(verdict);
  if (verdict.startsWith('draining')) return colours.green(verdict);
  return verdict === 'idle' ? colours.dim(verdict) : verdict;
}

/** What a worker holds: the first job and how many more, or how many that are not told. */
export function jobsText({ jobs, held }: Pick<WorkerRow, 'jobs' | 'held'>): string {
  const first = jobs[0];
  if (held === 0) return '–';
  if (first === undefined) return `${held} of other tenants`;
  return held === 1 ? nameText(first.job) : `${nameText(first.job)} and ${held - 1} more`;
}

/** A queue as JSON has it: the members that `GET /api/queues` has. */
export function queueJson(row: QueueStanding): Record<string, unknown> {
  const { arrivals, departures, completions, waits, runs, workers, estimated, verdict } = row;
  const { tenant, queue, queued, delayed, blocked, inProgress, oldestWaitingMs } = row;
  const rates = Object.entries({ arrivals, departures, completions }).flatMap(([name, values]) =>
    RATE_MINUTES.map((minutes, i) => [`${name}${minutes}`, values[i]] as const),
  );
  return {
    ...{ tenant, queue, queued, delayed, blocked, inProgress, oldestWaitingMs },
    ...Object.fromEntries(rates),
    ...{ meanWaitMs: waits?.meanMs ?? null, p95WaitMs: waits?.p95Ms ?? null },
    ...{ meanRunMs: runs?.meanMs ?? null, p95RunMs: runs?.p95Ms ?? null },
    ...{ workers, estimated, verdict },
  };
}

/** A worker as JSON has it: the members that `GET /api/workers` has. */
export function workerJson(row: WorkerRow): Record<string, unknown> {
  const { tenant, worker, type, pool, host, slots, state, held, otherJobs, enabled, estimated } = row;
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    ...{ tenant, worker, type, pool, host, slots, state, since: iso(row.since), held, otherJobs },
    ...{ lastHeartbeat: iso(row.lastHeartbeat), enabled, estimated },
    jobs: row.jobs.map(({ since, ...job }) => ({ ...job, since: iso(since) })),
  };
}
