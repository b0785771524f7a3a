import { type JobState, jobTimeline, KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import type { PoolClient } from 'pg';
import type { HeldJob } from './worker-standing.js';

/** A job that holds a worker now. */
export interface CurrentJob {
  readonly tenant: string;
  /** Its subject without `job/`. */
  readonly job: string;
  /** '' if it named none. */
  readonly queue: string;
  readonly user: string | null;
  readonly attempt: number;
  readonly status: 'assigned' | 'running';
  /** When it was started, else assigned, ms. */
  readonly since: number;
}

/** Names a job among others. */
export function jobName({ tenant, id }: HeldJob): string {
  return JSON.stringify([tenant, id]);
}

/** What the jobs that hold workers are doing, by {@link jobName}; those that do not any more are left out. */
export async function readHeldJobs(
  client: PoolClient,
  schema: LedgerSchema,
  jobs: readonly HeldJob[],
): Promise<Map<string, CurrentJob>> {
  return new Map(
    (await readJobStates(client, schema, jobs)).flatMap(({ tenant, id, state }) => {
      const job = currentJob(tenant, id, JSON.parse(state) as JobState);
      return job === null ? [] : [[jobName({ tenant, id }), job] as const];
    }),
  );
}

/** What the ledger keeps of these jobs, as JSON; those that it does not know are left out. */
export async function readJobStates(
  client: PoolClient,
  schema: LedgerSchema,
  jobs: readonly HeldJob[],
): Promise<{ tenant: string; id: string; state: string }[]> {
  if (jobs.length === 0) return [];
  const { rows } = await client.query<{ tenant: string; id: string; state: string }>({
    name: `job-states-${schema}`,
    text: `SELECT e.tenant, e.id, e.state::text AS state FROM unnest($1::text[], $2::text[]) a (tenant, id)
 CROSS JOIN LATERAL (
   SELECT * FROM ${schema}.entities s
    WHERE s.tenant = a.tenant AND s.kind = ${KIND_CODES.job} AND s.id = a.id LIMIT 1) e`,
    values: [jobs.map((job) => job.tenant), jobs.map((job) => job.id)],
  });
  return rows;
}

function currentJob(tenant: string, id: string, state: JobState): CurrentJob | null {
  const { status, attempts } = jobTimeline(state);
  const top = attempts.at(-1);
  if (top === undefined || (status !== 'assigned' && status !== 'running')) return null;
  const run = top.running.at(-1);
  const assigned = state.attempts.at(-1)?.facts.findLast((fact) => fact.k === 'assigned');
  return {
    ...{ tenant, job: id.slice('job/'.length), queue: top.fields.queue ?? '' },
    ...{ user: top.fields.user ?? null, attempt: top.attempt, status },
    since: status === 'running' ? (run?.start ?? 0) : (assigned?.t ?? 0),
  };
}
