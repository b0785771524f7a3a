import { EstimatedUsageQueries, PastQueries } from '@quipu/read-models';
import type { Pool } from 'pg';
import { localScope } from '../../../apps/cli/src/support/scope.js';
import { type ProcessHistory, readRecord, type SentEvents } from './chaos-worker.js';

/** That a worker was declared lost. */
export interface Lost {
  readonly subject: string;
  readonly life: string;
  /** When it was last heard, ms. */
  readonly time: number;
  readonly position: string;
  /** When that was written down, ms. */
  readonly recorded: number;
}

/** Between a test's asking for a freeze and the freeze, ms. */
const FREEZING_MS = 500;

/** Subjects of workers that have sent a heartbeat. */
export async function heard(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ subject: string }>(
    `SELECT DISTINCT subject FROM log WHERE tenant = 'chaos' AND type = 'worker.heartbeat'`,
  );
  return rows.map(({ subject }) => subject);
}

/** Whether the one worker of each of these queues has sent a heartbeat since its one job began. */
export async function heardSince(pool: Pool, queues: readonly string[]): Promise<boolean> {
  const { rows } = await pool.query<{ n: number }>(
    `SELECT count(DISTINCT j.subject)::int AS n FROM log j JOIN log w ON w.subject = 'worker/' || (j.data->>'worker')
     WHERE j.type = 'job.started' AND j.data->>'queue' = ANY($1)
       AND w.type = 'worker.heartbeat' AND w.time_ms > j.time_ms`,
    [queues],
  );
  return rows[0]?.n === queues.length;
}

/** When the event of this type of the one job of a queue happened, ms. */
export async function timeOf(pool: Pool, queue: string, type: string): Promise<number> {
  const { rows } = await pool.query<{ ms: string }>(
    `SELECT time_ms AS ms FROM log WHERE type = $1 AND split_part(subject, '/', 2) = $2`,
    [type, queue],
  );
  return Number(rows[0]?.ms);
}

/** When the worker of the one job of a queue was last heard of in this life, by itself or by its job's progress, ms. */
export async function lastSign(pool: Pool, queue: string, life: string): Promise<number> {
  const { rows } = await pool.query<{ ms: string }>(
    `SELECT max(time_ms) AS ms FROM log
     WHERE (type IN ('worker.connected', 'worker.heartbeat') AND data->>'life' = $2
            OR type IN ('job.started', 'job.progressed') AND split_part(subject, '/', 2) = $1)
       AND source LIKE 'quipu-worker/%'`,
    [queue, life],
  );
  return Number(rows[0]?.ms);
}

/** All losses that were estimated, in order. */
export async function lost(pool: Pool): Promise<Lost[]> {
  const { rows } = await pool.query<{
    subject: string;
    life: string;
    time: string;
    position: string;
    recorded: string;
  }>(
    `SELECT subject, data->>'life' AS life, time_ms AS time, position, recorded_ms AS recorded FROM log
     WHERE tenant = 'chaos' AND type = 'worker.lost' AND (data->>'estimated')::boolean ORDER BY position`,
  );
  return rows.map((row) => ({ ...row, time: Number(row.time), recorded: Number(row.recorded) }));
}

/** The ends of the runs of these queues' jobs that are estimates. */
export async function estimatedEnds(
  pool: Pool,
  queues: readonly string[],
): Promise<{ queue: string; life: string; time: number }[]> {
  const { rows } = await pool.query<{ queue: string; life: string; time: string }>(
    `SELECT split_part(subject, '/', 2) AS queue, data->>'life' AS life, time_ms AS time FROM log
     WHERE type = 'job.aborted' AND (data->>'estimated')::boolean AND split_part(subject, '/', 2) = ANY($1)`,
    [queues],
  );
  return rows.map((row) => ({ ...row, time: Number(row.time) }));
}

/** How long the jobs of a queue have run, ms, and the part of it that is estimated. */
export async function usageOf(pool: Pool, queue: string): Promise<{ total: number; estimated: number }> {
  const usages = new EstimatedUsageQueries(pool, new PastQueries(pool));
  const asked = { level: 'running', now: Date.now(), filters: { queue }, groupBy: ['queue'] } as const;
  const { rows } = await usages.usage(localScope(), asked);
  return { total: Number(rows[0]?.total ?? 0), estimated: Number(rows[0]?.estimatedTotal ?? 0) };
}

/** The process of each life of a worker: the one that sent the event which says that it connected. */
export async function livesOf(
  pool: Pool,
  processes: readonly ProcessHistory[],
): Promise<Map<string, ProcessHistory>> {
  const { rows } = await pool.query<{ id: string; life: string }>(
    `SELECT event_id AS id, data->>'life' AS life FROM log WHERE tenant = 'chaos' AND type = 'worker.connected'`,
  );
  const lives = new Map<string, ProcessHistory>();
  for (const one of processes) {
    const events: SentEvents = { sent: new Set(), acknowledged: new Set() };
    readRecord(one.record, events);
    for (const { id, life } of rows) if (events.sent.has(id)) lives.set(life, one);
  }
  return lives;
}

/**
 * Whether the process was dead when it was declared lost, or the loss is that of a freeze longer than `excusedMs`:
 * nothing of it was known that is later than the freeze's beginning.
 */
export function wasSilent(
  of: Pick<ProcessHistory, 'clockMs' | 'killedMs' | 'frozen'> | undefined,
  { time, recorded }: Pick<Lost, 'time' | 'recorded'>,
  excusedMs: number,
): boolean {
  if (of === undefined) return false;
  if (of.killedMs !== undefined && of.killedMs < recorded) return true;
  const heardMs = time - of.clockMs;
  return of.frozen.some(
    ({ from, to }) => to - from > excusedMs && from < recorded && heardMs < from + FREEZING_MS,
  );
}
