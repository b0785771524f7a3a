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
/** Most jobs of theirs that are looked at: who judges for longer judges what was. */
const MOST_JOBS = 5_000;
const DAY_MS = 86_400_000;
/** Most attempts that are woken at once. */
const MOST_WAKINGS = 2_000;

const DUE = `
SELECT ${LIFE_COLUMNS} FROM sweeper_lives
 JOIN (SELECT DISTINCT tenant, worker FROM (
         SELECT tenant, worker FROM sweeper_lives WHERE in_touch AND beats AND heard_ms <= $1
          ORDER BY heard_ms LIMIT ${MOST_WORKERS}) AS due) AS due USING (tenant, worker)`;

/**
 * Workers of which a life was lost lately and that hold jobs all the same. Without the collations of the entities' own
 * columns all entities would be looked at.
 */
const LEFT = (ledger: LedgerSchema) => `
SELECT ${LIFE_COLUMNS} FROM sweeper_lives
 JOIN (SELECT DISTINCT l.tenant, l.worker FROM sweeper_lives l
         JOIN ${ledger}.entities e
           ON e.tenant = l.tenant COLLATE "default" AND e.kind = ${KIND_CODES.worker}
          AND e.id = ('${WORKER_PREFIX}' || l.worker) COLLATE "default"
        WHERE NOT l.in_touch AND NOT l.retired AND l.lost_ms IS NOT NULL AND l.heard_ms BETWEEN $1 AND $2
          AND json_array_length(e.state -> 'holds') > 0
        LIMIT ${MOST_WORKERS}) AS due USING (tenant, worker)`;

const WORKER_STATES = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state FROM unnest($1::text[], $2::text[]) AS named (tenant, id)
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.worker} AND e.id = named.id`;

const JOB_STATES = (ledger: LedgerSchema) => `
SELECT e.tenant, e.id, e.state, coalesce(log.recorded_ms, 0) AS recorded_ms
  FROM unnest($1::text[], $2::text[]) AS named (tenant, id)
  JOIN ${ledger}.entities e ON e.tenant = named.tenant AND e.kind = ${KIND_CODES.job} AND e.id = named.id
  LEFT JOIN log ON log.position = e.last_position`;

interface StateRow {
  tenant: string;
  id: string;
  state: unknown;
}

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
  return recordsOf(client, ledger, rows);
}

/**
 * The workers that were lost within a day before `untilMs` and hold jobs all the same: a fact that came late opened a run
 * of theirs. To be asked now and then, since it looks at everybody who is lost.
 */
export async function readLeft(
  client: SweeperClient,
  ledger: LedgerSchema,
  untilMs: number,
): Promise<WorkerRecord[]> {
  const until = Math.floor(untilMs);
  const { rows } = await client.query<LifeRow>(LEFT(ledger), [String(until - DAY_MS), String(until)]);
  return recordsOf(client, ledger, rows);
}

async function recordsOf(
  client: SweeperClient,
  ledger: LedgerSchema,
  rows: readonly LifeRow[],
): Promise<WorkerRecord[]> {
  if (rows.length === 0) return [];
  const workers = new Map<string, DueWorker>();
  for (const life of rows.map(lifeOf)) {
    const name = nameOf(life.tenant, `${WORKER_PREFIX}${life.worker}`);
    const known = workers.get(name);
    if (known === undefined)
      workers.set(name, { tenant: life.tenant, worker: life.worker, lives: [life], jobs: [] });
    else known.lives.push(life);
  }
  const all = [...workers.values()];
  const stored = await client.query<StateRow>(WORKER_STATES(ledger), [
    all.map(({ tenant }) => tenant),
    all.map(({ worker }) => `${WORKER_PREFIX}${worker}`),
  ]);
  for (const { tenant, id, state } of stored.rows) workers.get(nameOf(tenant, id))!.jobs = jobsHolding(state);
  return readRuns(client, ledger, firstOf(all));
}

interface DueWorker {
  readonly tenant: string;
  readonly worker: string;
  readonly lives: Life[];
  jobs: [tenant: string, subject: string][];
}

/** As many workers as have not too many jobs together, but one at least. */
function firstOf(workers: readonly DueWorker[]): DueWorker[] {
  let jobs = 0;
  return workers.filter((worker, i) => (jobs += worker.jobs.length) <= MOST_JOBS || i === 0);
}

async function readRuns(
  client: SweeperClient,
  ledger: LedgerSchema,
  workers: readonly DueWorker[],
): Promise<WorkerRecord[]> {
  const jobs = workers.flatMap((worker) => worker.jobs);
  const states = new Map<string, StateRow & { recorded_ms: string }>();
  if (jobs.length > 0) {
    const { rows } = await client.query<StateRow & { recorded_ms: string }>(JOB_STATES(ledger), [
      jobs.map(([tenant]) => tenant),
      jobs.map(([, subject]) => subject),
    ]);
    for (const row of rows) states.set(nameOf(row.tenant, row.id), row);
  }
  return workers.map((on) => ({
    lives: on.lives,
    runs: on.jobs.flatMap(([tenant, subject]) => {
      const job = states.get(nameOf(tenant, subject));
      if (job === undefined) return [];
      return openRunOf(tenant, subject, job.state, Number(job.recorded_ms), on) ?? [];
    }),
  }));
}

/** Tenants have no line breaks. */
function nameOf(tenant: string, subject: string): string {
  return `${tenant}\n${subject}`;
}

/** Attempts ended by estimate whose worker has given a sign of life since. */
export async function readWoken(client: SweeperClient): Promise<Ending[]> {
  const { rows } = await client.query<EndingRow>(
    `SELECT * FROM sweeper_endings WHERE woken_ms IS NOT NULL ORDER BY woken_ms LIMIT ${MOST_WAKINGS}`,
  );
  return rows.map(endingOf);
}
