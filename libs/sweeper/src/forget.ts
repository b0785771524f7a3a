import { type JobState, jobTimeline, KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import type { Ending } from './ending.js';
import type { SweeperClient } from './feed.js';
import { endingOf, endingRow, type EndingRow } from './rows.js';

/** A place among endings, in the order in which they are looked through. */
export type KeptPlace = readonly [
  ...[jobTenant: string, job: string, attempt: number],
  ...[tenant: string, worker: string, life: string],
];

/** Endings that are looked at at once. */
const MOST_ENDINGS = 500;
/** A job that has ended otherwise is not looked at again from so long after an attempt of it was given up, ms. */
const LONG_AGO_MS = 86_400_000;

const FIRST: KeptPlace = ['', '', 0, '', '', ''];

const KEPT = `
SELECT * FROM sweeper_endings WHERE (job_tenant, job, attempt, tenant, worker, life) > ($1, $2, $3, $4, $5, $6)
 ORDER BY job_tenant, job, attempt, tenant, worker, life LIMIT ${MOST_ENDINGS}`;

const JOBS = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS all_named (tenant, id)) AS named
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.job} AND e.id = named.id`;

const FORGET = `
DELETE FROM sweeper_endings e USING jsonb_populate_recordset(NULL::sweeper_endings, $1) o
 WHERE (e.job_tenant, e.job, e.attempt, e.tenant, e.worker, e.life, e.ended_ms)
     = (o.job_tenant, o.job, o.attempt, o.tenant, o.worker, o.life, o.ended_ms)`;

/**
 * Looks through some of the endings, and forgets those that no sign of life can take back any more.
 *
 * @param after where the look before came to; null: from the first.
 * @returns where to go on; null when these were the last.
 */
export async function forgetEndings(
  client: SweeperClient,
  ledger: LedgerSchema,
  nowMs: number,
  after: KeptPlace | null,
): Promise<KeptPlace | null> {
  const { rows } = await client.query<EndingRow>(KEPT, [...(after ?? FIRST)]);
  if (rows.length === 0) return null;
  const jobs = await client.query<{ tenant: string; id: string; state: unknown }>(JOBS(ledger), [
    rows.map((row) => row.job_tenant),
    rows.map((row) => row.job),
  ]);
  const states = new Map(jobs.rows.map(({ tenant, id, state }) => [`${tenant}\n${id}`, state as JobState]));
  const over = rows.map(endingOf).filter((ending) => {
    const state = states.get(`${ending.jobTenant}\n${ending.job}`);
    return state !== undefined && isOver(ending, state, nowMs);
  });
  if (over.length > 0) await client.query(FORGET, [JSON.stringify(over.map(endingRow))]);
  const last = rows.at(-1)!;
  return rows.length < MOST_ENDINGS
    ? null
    : [last.job_tenant, last.job, last.attempt, last.tenant, last.worker, last.life];
}

/**
 * Whether an attempt that was ended by estimate need not be woken any more: its job is removed, its true end is known,
 * or it was given up long ago and the job has ended in a later attempt.
 */
export function isOver({ attempt, endedMs }: Ending, state: JobState, nowMs: number): boolean {
  if (state.removed.length > 0) return true;
  const { attempts } = jobTimeline(state);
  const ended = attempts.find((one) => one.attempt === attempt);
  if (ended !== undefined && ended.outcome !== null && !ended.estimated && ended.running.at(-1)?.end !== null)
    return true;
  const top = attempts.at(-1);
  return top !== undefined && top.attempt > attempt && top.outcome !== null && nowMs - endedMs >= LONG_AGO_MS;
}
