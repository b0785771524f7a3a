import { type DepthRow, type QueueStanding, RATE_MINUTES } from '@quipu/read-models';

/** Names of one rate over each window: `arrivals1`, `arrivals5`, `arrivals15`. */
function overWindows(name: string): string[] {
  return RATE_MINUTES.map((minutes) => `${name}${minutes}`);
}

/** Columns of the CSV, and members of each row: depth first, as it always was, then how jobs flow. */
export const QUEUE_COLUMNS: readonly string[] = [
  ...['tenant', 'queue', 'queued', 'delayed', 'blocked', 'inProgress', 'oldestWaitingMs'],
  ...[...overWindows('arrivals'), ...overWindows('departures'), ...overWindows('completions')],
  ...['meanWaitMs', 'p95WaitMs', 'meanRunMs', 'p95RunMs', 'workers', 'estimated', 'verdict'],
];

/** A queue as it is written; flow is null in answers about the past. */
export function writeQueue(row: DepthRow | QueueStanding): Readonly<Record<string, unknown>> {
  const { tenant, queue, queued, delayed, blocked, inProgress, oldestWaitingMs } = row;
  const flow = 'verdict' in row ? row : null;
  const rates = (name: 'arrivals' | 'departures' | 'completions') =>
    overWindows(name).map((column, i) => [column, flow?.[name][i] ?? null] as const);
  return {
    ...{ tenant, queue, queued, delayed, blocked, inProgress, oldestWaitingMs },
    ...Object.fromEntries([...rates('arrivals'), ...rates('departures'), ...rates('completions')]),
    ...{ meanWaitMs: flow?.waits?.meanMs ?? null, p95WaitMs: flow?.waits?.p95Ms ?? null },
    ...{ meanRunMs: flow?.runs?.meanMs ?? null, p95RunMs: flow?.runs?.p95Ms ?? null },
    ...{ workers: flow?.workers ?? null, estimated: flow?.estimated ?? null, verdict: flow?.verdict ?? null },
  };
}
