import { KIND_CODES, type LedgerSchema } from '@quipu/ledger';
import type { Ending } from './ending.js';
import type { SweeperClient } from './feed.js';
import type { WorkerRecord } from './judge.js';
import type { Life } from './life.js';
import { jobsHolding, openRunOf } from './open-runs.js';
import { endingOf, type EndingRow, LIFE_COLUMNS, lifeOf, type LifeRow } from './rows.js';
import { WORKER_PREFIX } from './selection.js';

/** Most workers that are judged at once; the others come next. */
const MOST_WORKERS = 200;
/** Most attempts that are woken at once. */
const MOST_WAKINGS = 2_000;

const DUE = `
SELECT ${LIFE_COLUMNS} FROM sweeper_lives
 JOIN (SELECT DISTINCT tenant, worker FROM (
         SELECT tenant, worker FROM sweeper_lives WHERE in_touch AND beats AND heard_ms <= $1
          ORDER BY heard_ms LIMIT ${MOST_WORKERS}) AS due) AS due USING (tenant, worker)`;

/**
 * The workers of which a life was last heard at `untilMs` or before, with all their lives and open runs. Costs what is
 * due, not what there is. Inside one snapshot with {@link readOutlook}.
 */
export async function readDue(
  client: SweeperClient,
  ledger: LedgerSchema,
  untilMs: number,
): Promise<WorkerRecord[]> {
  const { rows } = await client.query<LifeRow>(DUE, [String(Math.floor(untilMs))]);
  const workers = new Map<string, Life[]>();
  for (const life of rows.map(lifeOf)) {
    const name = `${life.tenant}\n${life.worker}`;
    workers.set(name, [...(workers.get(name) ?? []), life]);
  }
  const records: WorkerRecord[] = [];
  for (const lives of workers.values()) {
    records.push({ lives, runs: await readRuns(client, ledger, lives[0]!) });
  }
  return records;
}

/** What is known of jobs and workers as the ledger stores it. */
const STATE = (ledger: LedgerSchema) =>
  `SELECT state FROM ${ledger}.entities WHERE tenant = $1 AND kind = $2 AND id = $3`;

const JOB_STATES = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state FROM unnest($1::text[], $2::text[]) AS named (tenant, id)
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.job} AND e.id = named.id`;

async function readRuns(
  client: SweeperClient,
  ledger: LedgerSchema,
  { tenant, worker }: { tenant: string; worker: string },
): Promise<WorkerRecord['runs']> {
  const id = `${WORKER_PREFIX}${worker}`;
  const stored = await client.query<{ state: unknown }>(STATE(ledger), [tenant, KIND_CODES.worker, id]);
  const jobs = jobsHolding(stored.rows[0]?.state);
  if (jobs.length === 0) return [];
  const { rows } = await client.query<{ tenant: string; id: string; state: unknown }>(JOB_STATES(ledger), [
    jobs.map(([of]) => of),
    jobs.map(([, subject]) => subject),
  ]);
  return rows.flatMap((row) => openRunOf(row.tenant, row.id, row.state, { tenant, worker }) ?? []);
}

/** Attempts ended by estimate whose worker has given a sign of life since. */
export async function readWoken(client: SweeperClient): Promise<Ending[]> {
  const { rows } = await client.query<EndingRow>(
    `SELECT * FROM sweeper_endings WHERE woken_ms IS NOT NULL ORDER BY woken_ms LIMIT ${MOST_WAKINGS}`,
  );
  return rows.map(endingOf);
}
